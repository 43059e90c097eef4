import re

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

KINDS = [
    ("period", "Counted per period"),
    ("held", "Held until released"),
    ("feature", "On or off"),
]


class QuotaMetric(models.Model):
    """What a plan limits: scans of a month, accounts held, access to the API."""

    _name = "quota.metric"
    _description = "Quota Metric"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True, help="As programs name it: lowercase letters, digits and _, such as scans.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        KINDS, string="Counted", required=True, default="period",
        help="Per period: starts from zero with each period (scans). Held: taken and given back "
        "(accounts). On or off: included in the plan or not (access to the API).")
    unit = fields.Char(translate=True, help="What is counted, in the plural: scans, accounts.")
    description = fields.Text(translate=True)

    _code_unique = models.Constraint(
        "UNIQUE(code)", "Another metric has this code. Choose another code.")
    _code_well_formed = models.Constraint(
        "CHECK(code ~ '^[a-z][a-z0-9_]*$' AND length(code) <= 64)",
        "The code of a metric starts with a lowercase letter, then has lowercase letters, "
        "digits and _.")

    @api.constrains("kind", "code")
    def _check_not_counted(self):
        """Refuse to change how a metric is counted once it has counters.

        :raise ValidationError: the metric has counters
        """
        # sudo: counters of every company hold the metric
        counted = self.env["quota.counter"].sudo().search(
            [("metric_id", "in", self.ids)], limit=1).metric_id
        if counted:
            raise ValidationError(self.env._(
                "%(metric)s is being counted: make another metric and archive this one.",
                metric=counted.name))

    def write(self, vals):
        """Refuse to archive a metric that customers pay for."""
        if vals.get("active") is False:
            self._check_not_paid_for()
        return super().write(vals)

    def _check_not_paid_for(self):
        """Refuse while customers pay for the metric: archived, it is neither counted nor allowed.

        :raise UserError: names the subscriptions whose plans, own limits or extra units need it
        """
        subscriptions = self.env["subscription.subscription"]
        of_metric = [("metric_id", "in", self.ids)]
        subscriptions._refuse_while(
            [("state", "in", subscriptions._LIVE_STATES), "|", "|",
             ("plan_id.quota_limit_ids", "any", of_metric),
             ("quota_override_ids", "any", of_metric), ("quota_grant_ids", "any", of_metric)],
            self.env._("“%(metric)s” is part of what customers pay for. Take it off their plans, "
                       "or cancel their subscriptions, first.", metric=self[:1].name))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        """Refuse to delete a metric that is in use.

        :raise UserError: names the subscriptions, plans or packs that need it
        """
        self._check_not_paid_for()
        self.env["subscription.subscription"]._refuse_while(
            ["|", "|", ("quota_counter_ids", "any", [("metric_id", "in", self.ids)]),
             ("quota_grant_ids", "any", [("metric_id", "in", self.ids)]),
             ("quota_override_ids", "any", [("metric_id", "in", self.ids)])],
            self.env._("“%(metric)s” was counted, and its figures stay. Archive it instead.",
                       metric=self[:1].name))
        # sudo: plans and packs of companies the user does not see need it, too
        limits = self.env["quota.plan.limit"].sudo().search([("metric_id", "in", self.ids)])
        packs = self.env["product.template"].sudo().with_context(active_test=False).search(
            [("quota_metric_id", "in", self.ids)])
        if names := [*limits.plan_id.mapped("name"), *packs.mapped("name")]:
            raise UserError(self.env._(
                "“%(metric)s” is limited or sold by: %(names)s. Take it off them first.",
                metric=self[:1].name, names=", ".join(names)))

    @api.onchange("name")
    def _onchange_name(self):
        if self.name and not self.code:
            code = re.sub(r"[^a-z0-9]+", "_", self.env["ir.http"]._slugify(self.name)).strip("_")
            self.code = code if re.match(r"[a-z]", code) else False
