from odoo import fields, models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _down_payments_left(self):
        """Return the posted invoices of down payments on these orders of which credit notes have
        left something: a draft credit note gives nothing back."""
        lines = self.order_line.filtered("is_downpayment")
        return lines.invoice_lines.move_id.filtered(
            lambda move: move.state == "posted" and move.move_type == "out_invoice"
            and move._is_downpayment() and move.currency_id.compare_amounts(
                move._left_to_credit(), 0) > 0)

    def _down_payments_given_back(self):
        """Return the down payments that the cancellation of the order gives back.

        That is so where nothing that was sold is invoiced yet, and all of it is of a kind that is
        given back: see ``sale.order.line._gives_down_payment_back``.
        """
        self.ensure_one()
        sold = self.order_line.filtered(
            lambda line: not line.display_type and not line.is_downpayment
            and not line._lowers_other_lines())
        invoiced = sold.invoice_lines.filtered(lambda line: line.parent_state == "posted")
        if not sold or invoiced or not all(line._gives_down_payment_back() for line in sold):
            return self.env["account.move"]
        return self._down_payments_left()

    def _action_cancel(self):
        """Give back what was paid ahead of what is never delivered now."""
        # sudo: follows from the cancellation, whoever may cancel the order
        ahead = {order: order._down_payments_given_back() for order in self.sudo()}
        result = super()._action_cancel()
        for order, invoices in ahead.items():
            day = fields.Date.context_today(order.with_context(tz=order.company_id.partner_id.tz))
            for invoice in invoices:
                note = invoice._credit_what_is_left(day)
                invoice._match_with(note)
                order._follow_down_payment_note(note)
        return result

    def _follow_down_payment_note(self, note):
        """Extension point: act on the posted credit note of a down payment, such as mail it."""
