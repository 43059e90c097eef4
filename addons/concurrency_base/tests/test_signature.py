from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestSignature(TransactionCase):
    """Who writes to a customer has a name."""

    def test_signature_follows_the_name(self):
        user = self.env["res.users"].create({"name": "Administrator", "login": "signs"})
        user.name = "Agnès Admin"
        self.assertEqual(str(user.signature), "<div>Agnès Admin</div>")
        user.name = "Agnès Martin"
        self.assertEqual(str(user.signature), "<div>Agnès Martin</div>")
        user.signature = "<p>Yours, A.</p>"
        user.name = "Agnès Admin"
        self.assertEqual(str(user.signature), "<p>Yours, A.</p>")

    def test_the_company_signs_what_nobody_wrote(self):
        partner = self.env["res.partner"].create({"name": "C", "email": "c@example.com"})
        record = self.env["res.partner"].with_user(self.env.ref("base.user_root")).create({
            "name": "D"})
        record.message_post(
            body="Hello", partner_ids=partner.ids, subtype_xmlid="mail.mt_comment",
            message_type="comment")
        mail = self.env["mail.mail"].search([("recipient_ids", "in", partner.ids)])
        self.assertIn(self.env.company.name, mail.body_html)
        self.assertNotIn("System", mail.body_html)
