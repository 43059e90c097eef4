from odoo import api, fields, models
from odoo.exceptions import UserError


class SubscriptionFamily(models.Model):
    """Plans that replace one another: Starter, Pro and Scale of one service."""

    _name = "subscription.family"
    _description = "Family of Plans"
    _order = "name, id"

    name = fields.Char(required=True, translate=True)
    plan_ids = fields.One2many("subscription.plan", "family_id", string="Plans")

    _name_unique = models.Constraint("UNIQUE(name)", "This family of plans already exists.")

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        """Refuse to delete a family that has plans, or that somebody tried.

        :raise UserError: names the plans to put elsewhere first, or who tried one
        """
        # sudo: plans of companies the user does not see are of the family, too
        plans = self.sudo().with_context(active_test=False).plan_ids
        if plans:
            raise UserError(self.env._(
                "“%(family)s” has plans: %(plans)s. Give them another family first.",
                family=plans[0].family_id.name, plans=", ".join(plans.mapped("name"))))
        self.env["subscription.subscription"]._refuse_while(
            [("trial_family_id", "in", self.ids)],
            self.env._("“%(family)s” cannot be deleted: it says who has already tried one of its "
                       "plans.", family=self[:1].name))
