from odoo import api, fields, models

from odoo.addons.concurrency_base.tools import as_engine, lock_in_order


class EventRegistration(models.Model):
    """The part of seats for who paid them, and for their cancellation by staff."""

    _inherit = "event.registration"

    payer_id = fields.Many2one(
        "res.partner", compute="_compute_payer_id", store=True, engine=True, precompute=True,
        compute_sudo=True, index="btree_not_null", string="Paid by",
        help="Whose wallet paid the seat.")
    payment_label = fields.Char(compute="_compute_payment_label", string="Payment")
    wallet_id = fields.Many2one(
        "credit.wallet", related="credit_entry_id.wallet_id", string="Wallet",
        groups="credit_wallet.group_credit_user,account.group_account_readonly,"
               "account.group_account_invoice")
    credits_kept = fields.Boolean(
        readonly=True, engine=True, copy=False, string="Credits not returned",
        help="The seat was cancelled for its customer after the deadline.")

    @api.depends("credit_entry_id.wallet_id.partner_id")
    def _compute_payer_id(self):
        for seat in self:
            seat.payer_id = seat.credit_entry_id.wallet_id.partner_id

    @api.depends("credit_entry_id", "refund_entry_id", "absence_entry_id", "credits_kept",
                 "paid_outside", "outside_reason", "event_id.is_training", "state")
    @api.depends_context("lang")
    def _compute_payment_label(self):
        for seat in self:
            seat.payment_label = seat.event_id.is_training and seat._payment_text()

    def _payment_text(self):
        """Say who paid the seat, from which wallet, and whether the credits came back."""
        seat = self.sudo()  # sudo: who paid this seat, for staff who may not read the ledger
        if seat.credit_entry_id:
            values = {"credits": seat._cost_label(),
                      "owner": seat.credit_entry_id.wallet_id.partner_id.display_name}
            if seat.refund_entry_id or seat.absence_entry_id:
                return self.env._("%(credits)s, back in the wallet of %(owner)s", **values)
            if seat.credits_kept:
                return self.env._(
                    "%(credits)s from the wallet of %(owner)s, not returned", **values)
            return self.env._("%(credits)s from the wallet of %(owner)s", **values)
        if seat.paid_outside:
            return self.env._("Paid outside: %(reason)s", reason=seat.outside_reason or "–")
        return self.env._("Not paid")

    # What a cancellation entails ----------------------------------------------------------

    def _is_kept_if_cancelled(self, for_customer):
        """Tell whether cancelling this seat now would give nothing back: after the deadline."""
        self.ensure_one()
        paid = self.sudo().credit_entry_id  # sudo: whether credits paid
        return bool(paid and for_customer and not self.can_cancel)

    def _cancel_line(self, for_customer):
        """Describe what cancelling this seat entails, for the dialogs of staff.

        :param bool for_customer: the customer asks for it, so that the deadline counts
        :return: dict of texts: ``name``, ``back`` (what goes back), ``owner``, ``mail``
        """
        self.ensure_one()
        seat = self.sudo()  # sudo: whose wallet, for staff who may not read the ledger
        line = {"name": self.name or self.display_name, "owner": "", "mail": self.email or ""}
        if not seat.credit_entry_id:
            back = self.env._("Nothing: %(payment)s", payment=seat._payment_text())
        elif seat.refund_entry_id or seat.absence_entry_id:
            back = self.env._("Nothing: the credits are already back")
        elif self._is_kept_if_cancelled(for_customer):
            back = self.env._(
                "Nothing: free cancellation ended on %(date)s",
                date=self.event_id._format_moment(self._cancel_deadline()))
        else:
            back = self._returned_if_cancelled_label(by_customer=for_customer)
            line["owner"] = seat.credit_entry_id.wallet_id.partner_id.display_name
        return {**line, "back": back}

    @api.model
    def _render_returns(self, lines):
        """Return the table of who gets what back, as HTML for a dialog."""
        return self.env["ir.qweb"]._render(  # only texts go in, and QWeb escapes them
            "session_booking.table_of_returns", {"lines": lines})

    # Cancelling ---------------------------------------------------------------------------

    def _cancel_by_staff(self, for_customer):
        """Cancel these seats, return what :meth:`_cancel_line` said, and tell the attendees.

        Seats that were cancelled without a return get their credits back when the centre says so.

        :param bool for_customer: the customer asks for it, so that the deadline counts
        """
        self.check_access("write")
        live = self.filtered(lambda seat: seat.state != "cancel")
        forgiven = self.filtered("credits_kept") if not for_customer else self.browse()
        # sudo: which wallets paid; nothing of them is shown
        lock_in_order(self.sudo().credit_entry_id.wallet_id, self.event_id)
        kept = live.filtered(lambda seat: seat._is_kept_if_cancelled(for_customer))
        as_engine(kept).write({"credits_kept": True})
        as_engine(forgiven).write({"credits_kept": False})
        (live | forgiven).with_context(cancelled_by_customer=for_customer).action_cancel()
        (live | forgiven).filtered("event_id.is_training")._send_booking_mail(
            "session_booking.mail_template_booking_cancelled")

    def action_ask_cancel(self):
        """Open the dialog that says what cancelling these seats gives back, and to whom."""
        self.check_access("write")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "session_booking.seat_cancel_action")
        return {**action, "context": {"default_registration_ids": self.ids}}

    def action_give_back(self):
        """Open the same dialog for seats cancelled without a return."""
        action = self.action_ask_cancel()
        return {**action, "context": {**action["context"], "default_asked_by": "centre"}}
