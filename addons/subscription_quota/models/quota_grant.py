from odoo import fields, models


class QuotaGrant(models.Model):
    """Extra units of a metric for one subscription, given once: a pack bought, or a gesture."""

    _name = "quota.grant"
    _description = "Extra Units"
    _engine_only = True
    _order = "id desc"
    _rec_name = "key"

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one(related="subscription_id.company_id", store=True, precompute=True)
    metric_id = fields.Many2one(
        "quota.metric", required=True, readonly=True, index=True, ondelete="restrict")
    quantity = fields.Integer(required=True, readonly=True)
    period_start = fields.Date(
        readonly=True, help="The period whose units these are, for what is counted per period: "
        "they are not given again in the next one.")
    date_from = fields.Date(string="From", required=True, readonly=True)
    date_end = fields.Date(
        string="Up to", readonly=True, help="First day without the units; empty: they stay.")
    key = fields.Char(
        required=True, readonly=True,
        help="Names what the units were given for: the same is given once.")
    note = fields.Char(readonly=True)
    user_id = fields.Many2one(
        "res.users", string="Author", readonly=True, default=lambda self: self.env.uid)

    _key_once = models.Constraint("UNIQUE(key)", "These units were already given.")
    _quantity_not_negative = models.Constraint(
        "CHECK(quantity >= 0)", "Extra units cannot be negative.")
    _of_subscription = models.Index("(subscription_id, metric_id)")

    def _shares_of(self, row):
        """Share out what is left of the extra units of one metric: they are used last, the newest
        last.

        :param dict row: of ``quota_state``, for the period they were given for
        :return: list of (grant, units left)
        """
        total = sum(self.mapped("quantity"))
        limit = row["limit_value"]
        left = total if limit is None else min(total, max(limit - row["used"], 0))
        shares = []
        for grant in self.sorted("id", reverse=True):
            share = min(grant.quantity, left)
            left -= share
            shares.append((grant, share))
        return shares

    def _carried(self):
        """Return the grant in which these units live on after their period was cut short."""
        self.ensure_one()
        later = self.search([("key", "=like", f"carried:{self.id}:%")], limit=1)
        return later._carried() if later else self
