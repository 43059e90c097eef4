from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestLanguage(TransactionCase):

    def test_scheduled_actions_speak_as_the_company_does(self):
        """What they write is read by the company's staff and customers."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env.company.partner_id.lang = "fr_FR"
        cron = self.env["ir.cron"].create({
            "name": "Speaks", "model_id": self.env.ref("base.model_res_partner").id,
            "code": "env.company.partner_id.write({'comment': env.lang})"})
        self.patch(self.env.cr, "commit", lambda: None)
        self.patch(self.registry, "signal_changes", lambda: None)
        cron._callback(cron.cron_name, cron.ir_actions_server_id.id)
        self.assertIn("fr_FR", self.env.company.partner_id.comment)
