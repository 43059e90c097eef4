from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.misc import formatLang

from odoo.addons.concurrency_base.tools import withdraw_products

from ..engine import MAX_QUANTITY


class ProductTemplate(models.Model):
    _inherit = "product.template"

    service_tracking = fields.Selection(
        selection_add=[("quota_pack", "Extra units of a subscription")],
        ondelete={"quota_pack": withdraw_products})
    quota_metric_id = fields.Many2one(
        "quota.metric", string="Metric", ondelete="restrict", index="btree_not_null",
        domain="[('kind', '!=', 'feature')]", help="What the pack has units of.")
    quota_units = fields.Integer(
        string="Units in the pack", help="Units that one pack adds to the quota.")
    quota_validity_days = fields.Integer(
        string="Validity (days)",
        help="Of what is held: days the units can be used, the day of the payment included; 0: "
        "for as long as the customer subscribes. Units counted per period last until the quota "
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
        return super()._get_saleable_tracking_types() + ["quota_pack"]

    @api.model
    def _service_offers(self):
        """Add packs of extra units."""
        return [*super()._service_offers(), "quota_pack"]

    def _prepare_service_tracking_tooltip(self):
        if self.service_tracking == "quota_pack":
            return self.env._("The units are added to the subscription once they are paid.")
        return super()._prepare_service_tracking_tooltip()

    @api.constrains("service_tracking", "quota_metric_id", "quota_units", "quota_validity_days")
    def _check_quota_pack(self):
        for pack in self.filtered(lambda pack: pack.service_tracking == "quota_pack"):
            if pack.quota_units > MAX_QUANTITY:
                raise ValidationError(self.env._(
                    "“%(pack)s” has too many units: at most %(most)s.", pack=pack.name,
                    most=MAX_QUANTITY))
            if pack.quota_metric_id.kind == "feature":
                raise ValidationError(self.env._(
                    "“%(metric)s” is on or off: it has no units to sell.",
                    metric=pack.quota_metric_id.name))
            if pack.quota_metric_id.kind == "period" and pack.quota_validity_days:
                raise ValidationError(self.env._(
                    "Extra units of “%(metric)s” last until it starts anew: leave the validity "
                    "at 0.", metric=pack.quota_metric_id.name))

    def _quota_pack_label(self):
        """Say what the customer gets: « 1 000 scans, until the quota starts anew »."""
        self.ensure_one()
        pack = self.sudo()  # sudo: the metric's name, shown in the shop to anyone
        metric = pack.quota_metric_id
        values = {"units": formatLang(self.env, pack.quota_units, digits=0),
                  "unit": metric.unit or metric.name}
        if pack.quota_validity_days:
            return self.env._(
                "%(units)s %(unit)s, for %(days)s days", days=pack.quota_validity_days, **values)
        if metric.kind == "held":
            return self.env._("%(units)s %(unit)s, for as long as you subscribe", **values)
        return self.env._("%(units)s %(unit)s, until the quota starts anew", **values)
