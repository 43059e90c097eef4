from functools import partial

from odoo import api, models

from ..tools import again_after_conflict


class AccountMove(models.Model):
    _inherit = "account.move"

    def write(self, vals):
        """Let no call reset posted documents to draft that the button would refuse.

        :raise UserError: see ``_check_draftable``
        """
        if vals.get("state") in ("draft", "cancel"):
            self.filtered(lambda move: move.state == "posted")._check_draftable()
        return super().write(vals)

    @api.model
    def _cron_account_move_send(self, job_count=10):
        """Send queued invoices, and those that met a conflict at once after.

        :param int job_count: how many in one run
        """
        return again_after_conflict(
            self.env, "account.ir_cron_account_move_send",
            partial(super()._cron_account_move_send, job_count=job_count))
