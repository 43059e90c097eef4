from markupsafe import escape

from odoo import models
from odoo.tools import formatLang


class AccountMoveLine(models.Model):
    """The part of invoice lines that handles packs whose payment is taken back.

    A refund made at the provider, or a dispute, takes the money without a credit note. The credits
    that are left are held by a ledger entry, those used are recorded as a debt, and staff are
    told. The credits are released when the money comes back, when the invoice is paid again, or by
    the credit note that replaces all this.
    """

    _inherit = "account.move.line"

    def _credit_grants(self):
        """Return the ledger entries that granted the packs of these lines."""
        # sudo: what a payment entails does not depend on who may read the ledger
        return self.env["credit.entry"].sudo().search(
            [("invoice_line_id", "in", self.ids), ("kind", "=", "purchase")])

    def _credit_held_entries(self, reference=None):
        """Return the ledger entries that hold credits of these lines now.

        :param str reference: of the refund or the dispute; by default of any
        """
        domain = [("withdrawn_line_id", "in", self.ids), ("credits", "<", 0),
                  ("reversal_ids", "=", False)]
        if reference:
            domain.append(("origin", "=", reference))
        return self.env["credit.entry"].sudo().search(domain, order="id")  # sudo: as above

    def _credit_is_held(self):
        """Tell whether the payment of one of these lines was taken back, and is still away."""
        # sudo: only whether it is
        return bool(self._credit_held_entries() or self.env["credit.debt"].sudo().search_count(
            [("withdrawn_line_id", "in", self.ids), ("state", "=", "open")], limit=1))

    def _credit_hold(self, share, reference):
        """Hold the remaining credits of lines whose payment was taken back; once per reference.

        :param float share: of the price that was taken back, up to 1
        :param str reference: of the refund or the dispute
        """
        for grant in self._credit_grants():
            sold = grant.invoice_line_id
            if not sold._credit_is_held_for(reference):
                sold._credit_hold_credits(grant, round(grant.credits * share), reference)

    def _credit_is_held_for(self, reference):
        """Tell whether the line already follows this refund or dispute."""
        # sudo: only whether it does
        return bool(self._credit_held_entries(reference) or self.env["credit.debt"].sudo()
                    .search_count([
                        ("withdrawn_line_id", "=", self.id), ("state", "!=", "void"),
                        ("withdrawal_reference", "=", reference)], limit=1))

    def _credit_hold_credits(self, grant, credits, reference):
        """Hold this many credits of the line's grant, and record those used as a debt."""
        if not credits:
            return
        count = self.env["credit.entry"].sudo().search_count(  # sudo: to name the operation
            [("withdrawn_line_id", "=", self.id)])
        key = f"withdrawal:account.move.line:{self.id}:{reference}:{count}"
        # sudo: follows from the payment, whoever registered it
        lots = grant.sudo().lot_move_ids.lot_id._lock_offspring()
        entries = lots._claw_back(
            credits, "withdrawal", key, withdrawn_line_id=self.id, origin=reference)
        missing = credits + sum(entries.mapped("credits"))
        value = grant.value * missing / grant.credits
        debt = self.env["credit.debt"].sudo()._record_debt(
            grant, missing, value, withdrawn_line_id=self.id, withdrawal_reference=reference)
        if entries or debt:
            self._credit_tell_of_withdrawal(grant.wallet_id._survivor(), entries, debt, reference)

    def _credit_tell_of_withdrawal(self, wallet, entries, debt, reference):
        """Give staff a to-do that names the wallet, what is held and what is owed."""
        user = wallet._responsible()
        # The to-do is read by one person, in their language.
        wallet = wallet.with_context(lang=user.lang or self.env.lang)
        env = wallet.env
        wallet.activity_schedule(
            "mail.mail_activity_data_todo", user_id=user.id,
            summary=env._("Payment taken back: wallet of %(name)s", name=wallet.partner_id.name),
            note=escape(env._(
                "%(invoice)s was paid, and its payment was taken back (%(reference)s). Held in "
                "the wallet: %(held)s. Used before, and owed by the customer: %(owed)s "
                "(%(value)s). Make a credit note of the invoice when the money stays with the "
                "customer; the credits are released when it is paid again.",
                invoice=self.move_id.name, reference=reference,
                held=wallet._credits_label(-sum(entries.mapped("credits"))),
                owed=wallet._credits_label(debt.credits),
                value=formatLang(env, debt.value, currency_obj=wallet.currency_id))))

    def _credit_release_held(self, reason, reference=None):
        """Give held credits back to their lots, and void the debts recorded with them.

        :param str reason: for the ledger and the wallet's history
        :param str reference: of the refund or the dispute; by default of any
        :return: dict of the credits that were held, used or not, by reference
        """
        held = {}
        for entry in self._credit_held_entries(reference):
            held[entry.origin] = held.get(entry.origin, 0) - entry.credits
            spent_on = entry.company_id._credit_local_date(entry.date)
            entry._reverse(
                f"release:entry:{entry.id}", kind="withdrawal", spent_on=spent_on,
                withdrawn_line_id=entry.withdrawn_line_id.id, reason=reason)
        debts = self.env["credit.debt"].sudo().search([  # sudo: as above
            ("withdrawn_line_id", "in", self.ids), ("state", "=", "open"),
            *([("withdrawal_reference", "=", reference)] if reference else [])])
        for debt in debts:
            held[debt.withdrawal_reference] = (
                held.get(debt.withdrawal_reference, 0) + debt.credits)
        debts.state = "void"
        if held:
            wallets = self._credit_grants().wallet_id._survivor()
            wallets.activity_ids.filtered(
                lambda activity: activity.res_model == "credit.wallet").action_feedback(reason)
        return held

    def _credit_hold_rest(self, held, covered):
        """Hold again what a credit note does not cover of the payments taken back.

        :param dict held: credits by reference, see :meth:`_credit_release_held`
        :param int covered: credits that the credit note took back
        """
        for reference, credits in held.items():
            rest = max(credits - covered, 0)
            covered = max(covered - credits, 0)
            if rest:
                self._credit_hold_credits(self._credit_grants(), rest, reference)
