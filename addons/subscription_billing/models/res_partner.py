from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    subscription_ids = fields.One2many(
        "subscription.subscription", "commercial_partner_id", string="Subscriptions",
        help="Of a commercial entity.")
    subscription_count = fields.Integer(compute="_compute_subscription_count")

    def _compute_subscription_count(self):
        owners = self.commercial_partner_id
        counts = dict(self.env["subscription.subscription"]._read_group(
            [("commercial_partner_id", "in", owners.ids), ("state", "not in", ["draft", "ended"])],
            ["commercial_partner_id"], ["__count"]))
        for partner in self:
            partner.subscription_count = counts.get(partner.commercial_partner_id, 0)

    def action_view_subscriptions(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_billing.subscription_action")
        return {**action, "context": {"default_partner_id": self.id}, "domain": [
            ("commercial_partner_id", "=", self.commercial_partner_id.id)]}
