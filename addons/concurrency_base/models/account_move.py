from functools import partial

from odoo import api, models

from ..tools import again_after_conflict


class AccountMove(models.Model):
    _inherit = "account.move"

    @api.model
    def _cron_account_move_send(self, job_count=10):
        """Send queued invoices, and those that met a conflict at once after.

        :param int job_count: how many in one run
        """
        again_after_conflict(
            self.env, "account.ir_cron_account_move_send",
            partial(super()._cron_account_move_send, job_count=job_count))
