from odoo import fields, models

GRANTS = [
    ("paid", "Once the invoice is paid"),
    ("posted", "As soon as the invoice is made"),
]


class SubscriptionPlan(models.Model):
    """A plan whose periods grant credits: « 10 crédits/mois » (INSAHO §2.1 and §3.2).

    Agreed with each customer, on the subscription, then on the period: how many credits, those of
    the trial, and how long they are valid. Live, and fixed by each period as it is billed: the
    share of the price, which is an estimate of the books. Live: when credits are granted, for it
    is trust that a seller may withdraw.
    """

    _name = "subscription.plan"
    _inherit = ["subscription.plan", "credit.validity.mixin"]

    credit_grant_on = fields.Selection(
        GRANTS, string="Credits are granted", required=True, default="paid",
        help="Granting before the payment takes trust: credits spent are not recovered when the "
        "invoice is never paid.")
    credit_rollover = fields.Boolean(
        string="Unused credits roll over",
        help="Otherwise they expire with the last day of their period. Rolled over, they are "
        "valid for the months beside, from their grant; 0: no expiry.")
    credit_share = fields.Float(
        string="Share of the price (%)", default=100.0, digits=(5, 2),
        help="The part of the untaxed price that pays for the credits: it is owed to the "
        "customer, and becomes income as they are used or expire. The rest is income of the "
        "period, as for any plan.")
    trial_credits = fields.Integer(
        string="Credits of the trial",
        help="Credits without value that a free trial starts with; 0: none. Subscriptions that "
        "were agreed keep theirs.")

    _credit_share_in_range = models.Constraint(
        "CHECK(credit_share >= 0 AND credit_share <= 100)",
        "The share of the price that pays for credits is between 0 and 100 %.")
    _trial_credits_in_range = models.Constraint(
        "CHECK(trial_credits >= 0 AND trial_credits <= 100000)",
        "A trial grants a whole number of credits: 0 for none, at most 100,000.")

    def _sells_only_credits(self):
        """Tell whether all that is paid for the plan, at any price, is for its credits."""
        self.ensure_one()
        return (self.credit_share == 100 and bool(self.price_ids)
                and all(self.price_ids.mapped("granted_credits")))
