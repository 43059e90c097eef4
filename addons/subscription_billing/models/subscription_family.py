from odoo import fields, models


class SubscriptionFamily(models.Model):
    """Plans that replace one another: Starter, Pro and Scale of one service."""

    _name = "subscription.family"
    _description = "Family of Plans"
    _order = "name, id"

    name = fields.Char(required=True, translate=True)
    plan_ids = fields.One2many("subscription.plan", "family_id", string="Plans")

    _name_unique = models.Constraint("UNIQUE(name)", "This family of plans already exists.")
