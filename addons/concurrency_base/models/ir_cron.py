from odoo import models


class IrCron(models.Model):
    _inherit = "ir.cron"

    def _callback(self, cron_name, server_action_id):
        """Run in the language of the company that the action works for.

        A scheduled action has none: what it writes on an invoice, in the history of a
        subscription or to staff would be English.
        """
        speaking = self.with_context(lang=self.env.company._spoken_language())
        return super(IrCron, speaking)._callback(cron_name, server_action_id)
