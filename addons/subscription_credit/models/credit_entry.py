from odoo import fields, models


class CreditEntry(models.Model):
    _inherit = "credit.entry"

    subscription_period_id = fields.Many2one(
        "subscription.period", string="Subscription period", readonly=True, ondelete="restrict",
        help="The period whose credits were granted.")
    credit_debt_id = fields.Many2one(
        "credit.debt", string="Debt paid", readonly=True, index="btree_not_null",
        ondelete="restrict", help="The credits owed that this movement pays.")

    _subscription_period_once = models.UniqueIndex(
        "(subscription_period_id) WHERE subscription_period_id IS NOT NULL",
        "The credits of this period are already granted.")

    def _counterpart_account(self, account=None):
        """Post credits that pay a debt to the reduction of sales that the debt was posted to."""
        if self.credit_debt_id:
            return self.company_id._credit_account("credit_giveback_account_id")
        return super()._counterpart_account(account)
