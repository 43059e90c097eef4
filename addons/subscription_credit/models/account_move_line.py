from odoo import models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _credit_is_period_of_credits(self):
        """Tell whether the line bills a period whose whole price is the value of its credits."""
        self.ensure_one()
        # sudo: accountants need no right on subscriptions to make their invoices
        return (self.display_type == "product" and self.move_id.is_sale_document()
                and not self.is_subscription_extra
                and self.sudo().subscription_period_id._credit_is_whole_price())

    def _credit_price_waits(self):
        """Let the price of a period of credits wait for its payment, like that of a pack; then it
        is owed until its credits are used.
        """
        return super()._credit_price_waits() or self._credit_is_period_of_credits()

    def _compute_account_id(self):
        result = super()._compute_account_id()
        for line in self.filtered("subscription_period_id"):
            if line._credit_is_period_of_credits():
                line.account_id = line.company_id._credit_account("credit_pending_account_id")
        return result
