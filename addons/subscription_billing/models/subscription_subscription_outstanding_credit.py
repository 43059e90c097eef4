from odoo import fields, models
from odoo.tools import SQL


class SubscriptionSubscription(models.Model):
    """The part of a subscription that knows what is in the customer's favour and what it pays.

    Which credits count is decided in ``account.move.line._subscription_credits``.
    """

    _inherit = "subscription.subscription"

    outstanding_credit = fields.Monetary(
        string="In favour of the customer", compute="_compute_outstanding_credit",
        help="Of all their subscriptions in this company and currency. It pays the next invoice "
        "before a card is charged.")

    def _compute_outstanding_credit(self):
        totals = self._outstanding_credits()
        for subscription in self:
            subscription.outstanding_credit = totals[subscription]

    def _outstanding_credits(self):
        """Compute what is in the customers' favour now.

        :return: dict of each subscription to a float
        """
        totals = {}
        for line in self._outstanding_credit_lines():
            key = (line.partner_id, line.company_id, line.currency_id)
            totals[key] = totals.get(key, 0.0) + line.outstanding_credit
        return {subscription: totals.get((
            subscription.commercial_partner_id, subscription.company_id,
            subscription.currency_id), 0.0) for subscription in self}

    def _outstanding_credit_lines(self):
        # sudo: what is in the customer's own favour, for whoever may see the subscription
        lines = self.env["account.move.line"].sudo()
        return lines._subscription_credits(
            self.commercial_partner_id, self.company_id, self.currency_id)

    def _use_outstanding_credits(self):
        """Let what is in the customers' favour pay their open invoices, before these are shown,
        paid, charged or chased."""
        # sudo: the customer's own
        self.sudo().period_ids.filtered(
            lambda period: period.state == "invoiced").invoice_id._use_outstanding_credits()

    def _outstanding_credit_sentence(self):
        """Say what is in the customer's favour and what becomes of it; or None."""
        self.ensure_one()
        credit = self._outstanding_credits()[self]
        if self.currency_id.is_zero(credit):
            return None
        amount = self.currency_id.format(credit)
        if self._preview_next_invoice():
            return self.env._(
                "%(amount)s in your favour, deducted from your next invoice.", amount=amount)
        return self.env._(
            "%(amount)s in your favour. Ask us for a refund.", amount=amount)

    def _preview_payment(self, total):
        """Compute what the next invoice of a total leaves to pay.

        Credits of a customer who has several subscriptions pay the invoice that comes first.

        :return: dict of ``in_favour`` (what is deducted), ``carried`` (what was too little to be
            charged by itself and is charged with it) and ``to_pay``
        """
        self.ensure_one()
        in_favour = self._is_billed_first() and min(self._outstanding_credits()[self], total) or 0.0
        carried = sum(self._carried_invoices().mapped("amount_residual"))
        return {"in_favour": in_favour, "carried": carried,
                "to_pay": self.currency_id.round(total - in_favour + carried)}

    def _carried_invoices(self):
        """Return the invoices of which too little is left to be charged by itself."""
        # sudo: the customer's own
        return self.sudo().period_ids._carried().invoice_id.filtered(
            lambda invoice: not invoice._is_being_paid())

    def _is_billed_first(self):
        """Tell whether no other subscription of the customer is billed before."""
        self.flush_model()
        self.env.cr.execute(SQL(
            "SELECT FROM subscription_subscription s WHERE s.commercial_partner_id = %s"
            " AND s.company_id = %s AND s.currency_id = %s AND s.state IN %s AND NOT s.is_held"
            " AND (s.next_run_at, s.id) < (%s, %s) LIMIT 1", self.commercial_partner_id.id,
            self.company_id.id, self.currency_id.id, self._BILLED_STATES, self.next_run_at,
            self.id))
        return not self.env.cr.rowcount

    def action_view_outstanding_credits(self):
        """Open the documents that accountants can give back or keep for something else."""
        return self.env["account.move.line"].browse(
            self._outstanding_credit_lines().ids).action_view_subscription_credits()
