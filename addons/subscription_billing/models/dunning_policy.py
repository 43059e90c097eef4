from odoo import fields, models


class DunningPolicy(models.Model):
    """What happens to a subscription while one of its invoices stays unpaid."""

    _name = "dunning.policy"
    _description = "Dunning Policy"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", help="Empty: every company.")
    step_ids = fields.One2many("dunning.step", "policy_id", string="Steps", copy=True)
    plan_ids = fields.One2many("subscription.plan", "dunning_policy_id", string="Plans")
