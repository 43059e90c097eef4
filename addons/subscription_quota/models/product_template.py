from datetime import timedelta

from odoo import api, fields, models
from odoo.tools.misc import formatLang


class ProductTemplate(models.Model):
    _inherit = "product.template"

    service_tracking = fields.Selection(
        selection_add=[
            ("subscription", "A subscription"), ("quota_pack", "Extra units of a subscription")],
        ondelete={"subscription": "set default", "quota_pack": "set default"})
    subscription_plan_ids = fields.One2many("subscription.plan", "product_tmpl_id")
    quota_metric_id = fields.Many2one(
        "quota.metric", string="Metric", ondelete="restrict", index="btree_not_null",
        domain="[('kind', '!=', 'feature')]", help="What the pack has units of.")
    quota_units = fields.Integer(
        string="Units in the pack", help="Units that one pack adds to the quota.")
    quota_validity_days = fields.Integer(
        string="Validity (days)",
        help="Days the units can be used, the day of the payment included; 0: until the quota "
        "starts anew.")

    _quota_pack_has_units = models.Constraint(
        "CHECK(service_tracking <> 'quota_pack'"
        " OR (quota_units > 0 AND quota_metric_id IS NOT NULL))",
        "A pack of extra units needs a metric and a number of units above zero.")
    _quota_validity_not_negative = models.Constraint(
        "CHECK(quota_validity_days >= 0)",
        "The validity of a pack is a number of days, or 0 for the current period.")

    @api.model
    def _get_saleable_tracking_types(self):
        return super()._get_saleable_tracking_types() + ["subscription", "quota_pack"]

    def _prepare_service_tracking_tooltip(self):
        if self.service_tracking == "subscription":
            return self.env._("A subscription starts once the order is confirmed.")
        if self.service_tracking == "quota_pack":
            return self.env._("The units are added to the subscription once they are paid.")
        return super()._prepare_service_tracking_tooltip()

    def _subscription_plan(self):
        """The plan this service is sold as, or none."""
        # sudo: visitors of the shop have no right on plans; prices and trial are public
        return self.sudo().subscription_plan_ids[:1]

    def write(self, vals):
        if vals.get("active") is False:
            self._subscription_plans()._check_no_live_subscription()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_live_subscriptions(self):
        self._subscription_plans()._check_no_live_subscription()

    def _subscription_plans(self):
        # sudo: whoever archives the service must not end up with orphan subscriptions
        return self.sudo().with_context(active_test=False).subscription_plan_ids

    # Packs of extra units ---------------------------------------------------------------------

    def _quota_pack_label(self):
        """« 1 000 scans, for 30 days »: what the customer gets."""
        self.ensure_one()
        pack = self.sudo()  # sudo: the metric's name, shown in the shop to anyone
        values = {"units": formatLang(self.env, pack.quota_units, digits=0),
                  "unit": pack.quota_metric_id.unit or pack.quota_metric_id.name}
        if not pack.quota_validity_days:
            return self.env._("%(units)s %(unit)s, until the quota starts anew", **values)
        return self.env._(
            "%(units)s %(unit)s, for %(days)s days", days=pack.quota_validity_days, **values)

    def _quota_last_day(self, today):
        """Last civil day of units paid on a day; False: until the quota starts anew."""
        self.ensure_one()
        return self.quota_validity_days and today + timedelta(days=self.quota_validity_days - 1)
