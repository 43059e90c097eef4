import importlib.util

from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import file_path
from odoo.tools.convert import convert_file

RENEWED = ("Credits to use soon", "Crédits à utiliser bientôt")
FORMER = ("Former", "Ancien")


@tagged("post_install", "-at_install")
class TestMailUpdates(TransactionCase):
    """Updates renew mail templates and their translations until staff edit them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.untouched, cls.edited, cls.translated = cls.templates = [
            cls.env.ref(f"credit_wallet.mail_template_credits_{name}")
            for name in ("expiring", "low", "changed")]
        cls.staff = new_test_user(
            cls.env, "staff_of_mails", "credit_wallet.group_credit_manager,"
            "account.group_account_readonly,mail.group_mail_template_editor")

    def age(self, template):
        """Make the template what an older release of the addon wrote."""
        self.env.flush_all()
        self.env.cr.execute("""
            UPDATE mail_template
            SET subject = jsonb_build_object('en_US', %s, 'fr_FR', %s),
                body_html = '{"en_US": "<p>Former</p>", "fr_FR": "<p>Ancien</p>"}', email_cc = NULL
            WHERE id = %s""", [*FORMER, template.id])
        template.invalidate_recordset()

    def update(self):
        """Do with templates and translations what an update of the addon does."""
        self.env.flush_all()
        convert_file(self.env, "credit_wallet", "data/mail_template_data.xml", {}, mode="update")
        self.env["ir.module.module"]._get("credit_wallet")._update_translations()
        self.env.invalidate_all()

    def subjects(self, template):
        return tuple(template.with_context(lang=lang).subject for lang in ("en_US", "fr_FR"))

    def test_untouched_templates_are_renewed_and_edited_ones_kept(self):
        for template in self.templates:
            self.age(template)
        self.edited.with_user(self.staff).email_cc = "boss@centre.example"
        self.translated.with_user(self.staff).update_field_translations(
            "subject", {"fr_FR": "Le nôtre"})

        for _release in range(2):
            self.update()
        self.assertEqual(self.subjects(self.untouched), RENEWED)
        self.assertNotIn("Former", self.untouched.body_html)
        self.assertIn("Bonjour", self.untouched.with_context(lang="fr_FR").body_html)
        self.assertEqual(self.subjects(self.edited), FORMER)
        self.assertEqual(self.edited.email_cc, "boss@centre.example")
        self.assertEqual(self.subjects(self.translated), ("Former", "Le nôtre"))

    def test_reset_template_is_renewed_again(self):
        self.untouched.with_user(self.staff).subject = "Ours"
        self.untouched.with_user(self.staff).reset_template()
        self.age(self.untouched)
        self.update()
        self.assertEqual(self.subjects(self.untouched), RENEWED)

    def test_templates_of_older_releases(self):
        """The migration tells what only the server has written from what staff edited."""
        self.edited.with_user(self.staff).email_cc = "boss@centre.example"
        for template in self.templates:
            template._identifiers().noupdate = True  # as older releases installed it
        spec = importlib.util.spec_from_file_location("migration", file_path(
            "concurrency_base/migrations/19.0.1.1.0/post-mail-templates.py"))
        migration = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(migration)
        migration.migrate(self.env.cr, "19.0.1.0.0")
        self.env.invalidate_all()
        self.assertEqual(
            [template._identifiers().noupdate for template in self.templates],
            [False, True, False])
