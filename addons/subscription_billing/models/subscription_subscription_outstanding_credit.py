from odoo import fields, models


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

    def _credit_lines_left(self):
        """Return what is left of the credit notes of the subscription and of its down payments."""
        ahead = self.sudo().sale_line_id.order_id.order_line.filtered("is_downpayment")
        # sudo: the subscription's own documents
        notes = self._documents() | ahead.invoice_lines.move_id.reversal_move_ids
        lines = self._outstanding_credit_lines()
        return lines.filtered(
            lambda line: line.move_id in notes and line.move_id.move_type == "out_refund")

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
        amount, first = self.currency_id.format(credit), self._billed_first()
        if first == self:
            return self.env._(
                "%(amount)s in your favour, deducted from your next invoice.", amount=amount)
        if first:
            return self.env._(
                "%(amount)s in your favour, deducted from the next invoice of %(subscription)s.",
                amount=amount, subscription=first.name)
        if self.state == "paused" and not self.end_date:
            return self.env._(
                "%(amount)s in your favour, deducted from your first invoice after the pause.",
                amount=amount)
        return self.env._(
            "%(amount)s in your favour. Ask us for a refund.", amount=amount)

    def _preview_payment(self):
        """Compute what the next invoice leaves to pay.

        What is in the customer's favour pays the subscription that is billed first, and what is
        left then the next one.

        :return: dict of ``in_favour`` (what is deducted), ``carried`` (what was too little to be
            charged by itself and is charged with it) and ``to_pay``; none: no invoice comes
        """
        self.ensure_one()
        total = self._preview_next_total()
        if total is None:
            return {}
        in_favour = self._share_of_credit(self._outstanding_credits()[self], total)
        carried = sum(self._carried_invoices().mapped("amount_residual"))
        return {"in_favour": in_favour, "carried": carried,
                "to_pay": self.currency_id.round(total - in_favour + carried)}

    def _share_of_credit(self, credit, total):
        """Compute what of a credit the next invoice will use, after those that come before it.

        :param float credit: what is in the customer's favour
        :param float total: of the next invoice, tax included
        """
        for earlier in self._billed_before() if credit else ():
            credit -= min(credit, earlier._preview_next_total() or 0.0)
        return self.currency_id.round(min(credit, total))

    def _preview_next_total(self):
        """Return what the next invoice amounts to with the usage so far, tax included, or None."""
        ahead, usage = self._preview_next_invoice(), self._preview_usage()
        return ahead["total"] + (usage["total"] if usage else 0.0) if ahead else None

    def _carried_invoices(self):
        """Return the invoices of which too little is left to be charged by itself."""
        # sudo: the customer's own
        return self.sudo().period_ids._carried().invoice_id.filtered(
            lambda invoice: not invoice._is_being_paid())

    def _billed_first(self):
        """Return the subscription of the customer that what is in their favour pays first."""
        return self._siblings_billed()[:1]

    def _billed_before(self):
        """Return the subscriptions of the customer that are billed before this one."""
        siblings = self._siblings_billed()
        return siblings[:siblings.ids.index(self.id)] if self in siblings else siblings

    def _siblings_billed(self):
        """Return all of the customer that will be billed in this company and currency, in the
        order of billing."""
        # sudo: which of the customer's own comes first is all that is told
        siblings = self.sudo().search([
            ("commercial_partner_id", "=", self.commercial_partner_id.id),
            ("company_id", "=", self.company_id.id), ("currency_id", "=", self.currency_id.id),
            ("state", "in", self._BILLED_STATES), ("is_held", "=", False)], order="next_run_at, id")
        return siblings.filtered(lambda each: each._preview_next_invoice())

    def action_view_outstanding_credits(self):
        """Open the documents that accountants can give back or keep for something else."""
        return self.env["account.move.line"].browse(
            self._outstanding_credit_lines().ids).action_view_subscription_credits()
