from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestMailTemplate(TransactionCase):

    def test_updates_renew_templates_of_all_addons_above(self):
        """No data file of ours keeps updates from renewing its templates."""
        kept = self.env["mail.template"].search([])._identifiers().filtered("noupdate")
        self.assertFalse(kept.mapped("complete_name"))
