from odoo import fields, models


class SubscriptionPeriod(models.Model):
    _inherit = "subscription.period"

    quota_overage_ids = fields.One2many("quota.overage", "period_id", string="Beyond the limits")

    def _collect_usage(self):
        """Take what was used beyond soft limits off the counters, once, for these periods."""
        result = super()._collect_usage()
        self.env["quota.overage"]._collect(self)
        return result

    def _prepare_usage_lines(self):
        return super()._prepare_usage_lines() + [
            overage._prepare_invoice_line() for overage in self.quota_overage_ids]
