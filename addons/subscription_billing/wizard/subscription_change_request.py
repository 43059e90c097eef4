from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.subscription_change import TIMINGS


class SubscriptionChangeRequest(models.TransientModel):
    """Wizard to change a plan, a cycle or a quantity: see the exact amounts, then confirm them."""

    _name = "subscription.change.request"
    _description = "Change a Subscription"

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True,
        default=lambda self: self.env.context.get("active_id"))
    family_id = fields.Many2one(related="subscription_id.family_id")
    currency_id = fields.Many2one(related="subscription_id.currency_id")
    price_id = fields.Many2one(
        "subscription.plan.price", string="New price", required=True,
        compute="_compute_price_id", store=True, readonly=False, precompute=True,
        domain="[('plan_id.family_id', '=', family_id), ('currency_id', '=', currency_id)]")
    quantity = fields.Integer(
        required=True, compute="_compute_quantity", store=True, readonly=False,
        precompute=True)
    timing = fields.Selection(TIMINGS, required=True, default="period_end")
    problem = fields.Char(compute="_compute_preview")
    date = fields.Date(string="Takes effect", compute="_compute_preview")
    credit_total = fields.Monetary(string="Credited", compute="_compute_preview")
    charge_total = fields.Monetary(string="Charged", compute="_compute_preview")
    due = fields.Monetary(string="To pay now", compute="_compute_preview")
    next_date = fields.Date(string="Next invoice on", compute="_compute_preview")
    next_total = fields.Monetary(string="Next invoice", compute="_compute_preview")

    @api.depends("subscription_id")
    def _compute_price_id(self):
        for wizard in self:
            wizard.price_id = wizard.subscription_id.price_id

    @api.depends("subscription_id")
    def _compute_quantity(self):
        for wizard in self:
            wizard.quantity = wizard.subscription_id.quantity

    @api.depends("subscription_id", "price_id", "quantity", "timing")
    def _compute_preview(self):
        for wizard in self:
            wizard.update({
                "problem": False, "date": False, "next_date": False, "credit_total": 0,
                "charge_total": 0, "due": 0, "next_total": 0})
            try:
                wizard.update(wizard._preview_vals())
            except UserError as error:
                wizard.problem = str(error)

    def _preview_vals(self):
        preview = self.subscription_id._preview_change(
            self.price_id._origin, self.quantity, self.timing)
        return {
            "date": preview["date"], "credit_total": preview["credit"]["total"],
            "charge_total": preview["charge"]["total"], "due": preview["due"],
            "next_date": preview["next_date"], "next_total": preview["next"]["total"]}

    def action_confirm(self):
        """Change for exactly the amount shown.

        :raise PreviewMismatch: it changed since
        """
        self.subscription_id._by_staff()._change(
            self.price_id, self.quantity, self.timing, expected_due=self.due)
        return {"type": "ir.actions.act_window_close"}
