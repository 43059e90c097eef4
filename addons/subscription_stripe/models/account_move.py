from odoo import fields, models


class AccountMove(models.Model):
    _inherit = "account.move"

    dispute_count = fields.Integer(compute="_compute_dispute_count", string="Disputes")

    def _compute_dispute_count(self):
        # sudo: how many there are, for whoever may see the invoice
        counts = dict(self.env["payment.dispute"].sudo()._read_group(
            [("invoice_ids", "in", self.ids)], ["invoice_ids"], ["__count"]))
        for move in self:
            move.dispute_count = counts.get(move, 0)

    def action_view_disputes(self):
        """Open the disputes about payments of these invoices."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_stripe.payment_dispute_action")
        return {**action, "domain": [("invoice_ids", "in", self.ids)], "context": {}}
