from odoo import fields, models


class SubscriptionPriceChange(models.TransientModel):
    """Wizard to announce a new price: subscribers are told, then pay it from a later renewal on."""

    _name = "subscription.price.change"
    _description = "New Price of a Plan"

    price_id = fields.Many2one(
        "subscription.plan.price", required=True, readonly=True,
        default=lambda self: self.env.context.get("active_id"))
    currency_id = fields.Many2one(related="price_id.currency_id")
    amount = fields.Monetary(string="New price", required=True)
    notice_days = fields.Integer(string="Notice (days)", default=30, required=True)
    date = fields.Date(
        string="For renewals from", required=True,
        default=lambda self: fields.Date.add(fields.Date.context_today(self), days=30))

    def action_confirm(self):
        """Announce the price."""
        self.price_id.check_access("write")
        self.price_id._announce(self.amount, self.date, self.notice_days)
        return {"type": "ir.actions.act_window_close"}
