from odoo import fields, models


class SubscriptionPlanPrice(models.Model):
    _inherit = "subscription.plan.price"

    # On the price and not on the plan: a year grants more than a month.
    granted_credits = fields.Integer(
        string="Credits each period", default=0,
        help="Whole credits that one unit of the plan adds to the customer's wallet for each "
        "whole interval; 0: none. A change is for new customers: subscriptions keep what was "
        "agreed.")

    _granted_credits_in_range = models.Constraint(
        "CHECK(granted_credits >= 0 AND granted_credits <= 100000)",
        "A period grants a whole number of credits: 0 for none, at most 100,000.")

    def _credits_sentence(self, quantity=1):
        """Say « 10 crédits par mois, à utiliser jusqu'à la fin de chaque période »; empty without
        credits.

        :param int quantity: units subscribed to
        """
        self.ensure_one()
        if not self.granted_credits:
            return ""
        return self.env._(
            "%(credits)s %(interval)s, %(validity)s", interval=self._interval_label(),
            credits=self.env["credit.wallet"]._credits_label(self.granted_credits * quantity),
            validity=self.plan_id._credit_validity_label())
