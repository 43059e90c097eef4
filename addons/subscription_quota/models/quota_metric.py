import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

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
        required=True, help="As programs name it: small letters, digits and _, scans for one.")
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
        "The code of a metric starts with a small letter, then has small letters, digits and _.")

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

    @api.onchange("name")
    def _onchange_name(self):
        if self.name and not self.code:
            code = re.sub(r"[^a-z0-9]+", "_", self.env["ir.http"]._slugify(self.name)).strip("_")
            self.code = code if re.match(r"[a-z]", code) else False
