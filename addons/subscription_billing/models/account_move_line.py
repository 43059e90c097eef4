from odoo import fields, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    subscription_period_id = fields.Many2one(
        "subscription.period", readonly=True, copy=False, index="btree_not_null",
        ondelete="restrict", help="The period of a subscription that the line bills or credits.")

    def _copy_data_extend_business_fields(self, values):
        """A credit note made by hand counts as one made by the subscription."""
        result = super()._copy_data_extend_business_fields(values)
        if self.env.context.get("include_business_fields"):
            values["subscription_period_id"] = self.subscription_period_id.id
        return result

    def _subscription_priced_amount(self):
        """The line in the terms of its price: with included taxes, without the others."""
        self.ensure_one()
        return self.currency_id.round(
            self.price_unit * self.quantity * (1 - self.discount / 100))

    def _reconcile_post_hook(self, data):
        """Credit notes settle an invoice as payments do, but Odoo calls it reversed, not paid,
        and has no hook for it. One that is written off it calls paid, and nobody paid it."""
        written_off = data["not_paid_invoices"].filtered(
            lambda move: move.payment_state in move._SETTLED_STATES and move._is_written_off())
        data["not_paid_invoices"] -= written_off
        result = super()._reconcile_post_hook(data)
        written_off._invoice_written_off_hook()
        data["not_paid_invoices"].filtered(
            lambda move: move.payment_state == "reversed")._invoice_netted_hook()
        return result
