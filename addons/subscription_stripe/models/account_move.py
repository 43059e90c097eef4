from odoo import api, fields, models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    _inherit = "account.move"

    card_refund_transaction_id = fields.Many2one(
        "payment.transaction", compute="_compute_card_refund_transaction_id",
        help="The payment by card that this credit note can be given back to.")

    dispute_count = fields.Integer(compute="_compute_dispute_count", string="Disputes")

    def _compute_dispute_count(self):
        # sudo: how many there are, for whoever may see the invoice
        counts = dict(self.env["payment.dispute"].sudo()._read_group(
            [("invoice_ids", "in", self.ids)], ["invoice_ids"], ["__count"]))
        for move in self:
            move.dispute_count = counts.get(move, 0)

    def action_view_disputes(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_stripe.payment_dispute_action")
        return {**action, "domain": [("invoice_ids", "in", self.ids)], "context": {}}

    @api.depends("move_type", "state", "amount_residual", "reversed_entry_id.transaction_ids.state")
    def _compute_card_refund_transaction_id(self):
        for move in self:
            move.card_refund_transaction_id = move._find_card_payment()

    def _find_card_payment(self):
        """The payment of the invoice that this credit note reverses, or none."""
        none = self.env["payment.transaction"]
        if self.move_type != "out_refund" or self.state != "posted" \
                or self.currency_id.is_zero(self.amount_residual):
            return none
        # sudo: whether a card paid is for whoever may see the credit note
        if {"draft", "pending"} & set(self.sudo().transaction_ids.mapped("state")):
            return none  # on its way
        return self.reversed_entry_id.sudo().transaction_ids.filtered(
            lambda each: each.state == "done" and each.operation != "refund"
            and each.payment_id.amount_available_for_refund > 0)[:1]

    def action_refund_to_card(self):
        """Give the credit note's amount back to the card that paid, and settle the note with it.

        Asked for twice at the same moment, it is done once: the payment's row is locked first.

        :raise UserError: nothing is left to give back, or less than the note says
        """
        self.ensure_one()
        self.check_access("write")
        payment = self._find_card_payment().sudo()  # sudo: the right to the note was checked
        payment._stripe_lock()
        available = payment.payment_id.amount_available_for_refund
        if not payment or self.currency_id.compare_amounts(available, self.amount_residual) < 0:
            raise UserError(self.env._(
                "%(amount)s of %(name)s cannot be given back to a card: %(available)s are left of "
                "its payment. Refund the rest by bank transfer.", name=self.name,
                amount=self.currency_id.format(self.amount_residual),
                available=self.currency_id.format(available)))
        refund = payment._refund(self.amount_residual)
        refund.invoice_ids = self
        if refund.state == "done":
            refund._post_process()
        return refund._build_action_feedback_notification()
