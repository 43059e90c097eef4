from odoo import api, fields, models
from odoo.exceptions import UserError


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

    def write(self, vals):
        """Refuse to archive a policy by which somebody is chased."""
        if vals.get("active") is False:
            self._check_not_used()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        self._check_not_used()

    def _check_not_used(self):
        """Refuse to give up a policy that plans use.

        :raise UserError: names the plans to give another policy first
        """
        # sudo: plans of companies the user does not see are chased by it, too
        if plans := self.sudo().with_context(active_test=False).plan_ids:
            raise UserError(self.env._(
                "“%(policy)s” is the dunning policy of: %(plans)s. Give these plans another "
                "one first.", policy=plans[0].dunning_policy_id.name,
                plans=", ".join(plans.mapped("name"))))
