from odoo import fields, models

STATES = [("scheduled", "Planned"), ("done", "Done"), ("cancelled", "Given up")]
TIMINGS = [("now", "Now"), ("period_end", "At the end of the period")]


class SubscriptionChange(models.Model):
    """A change of plan, price, cycle or quantity: planned or done, with its exact amounts."""

    _name = "subscription.change"
    _description = "Change of a Subscription"
    _order = "id desc"

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True, index=True,
        ondelete="restrict")
    company_id = fields.Many2one(related="subscription_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(
        related="subscription_id.currency_id", store=True, precompute=True)
    state = fields.Selection(STATES, required=True, readonly=True)
    timing = fields.Selection(TIMINGS, required=True, readonly=True)
    date = fields.Date(
        string="Takes effect", required=True, readonly=True, help="First day at the new price.")
    from_price_id = fields.Many2one("subscription.plan.price", readonly=True, ondelete="restrict")
    price_id = fields.Many2one(
        "subscription.plan.price", string="New price", required=True, readonly=True,
        ondelete="restrict")
    from_quantity = fields.Integer(readonly=True)
    quantity = fields.Integer(required=True, readonly=True)
    credit_total = fields.Monetary(string="Credited", readonly=True, help="Tax included.")
    charge_total = fields.Monetary(string="Charged", readonly=True, help="Tax included.")
    credit_note_id = fields.Many2one("account.move", readonly=True, ondelete="restrict")
    invoice_id = fields.Many2one("account.move", readonly=True, ondelete="restrict")
    user_id = fields.Many2one(
        "res.users", string="Author", readonly=True, default=lambda self: self.env.uid)

    _one_planned = models.UniqueIndex(
        "(subscription_id) WHERE state = 'scheduled'",
        "This subscription already has a planned change. Give it up first.")
    _quantity_positive = models.Constraint(
        "CHECK(quantity > 0)", "A subscription is for one unit at least.")

    def _apply(self):
        """Put the new terms on the subscriptions, as the period that bears them is billed."""
        for change in self:
            subscription = change.subscription_id
            before = {subscription: (subscription.state, subscription.mrr)}
            terms = subscription._terms(change.price_id, change.quantity)
            if not change.price_id._same_interval(subscription.price_id):
                terms["anchor_date"] = subscription.next_date
            subscription.write(terms)
            subscription._log_events("change", before, change.price_id.display_name)
        self.state = "done"

    def _send_confirmation(self):
        """Tell the customers what changes, when, and what comes next; queued."""
        # sudo: whoever changes the plan, the customer is told
        self.env.ref("subscription_billing.mail_template_changed").sudo().send_mail_batch(self.ids)
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
