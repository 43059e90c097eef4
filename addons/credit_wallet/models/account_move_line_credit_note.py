from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import formatLang

UNTAXED = 0  # key of the untaxed amount, beside the ids of taxes


def count_whole(amount, price, rounding):
    """Count the whole credits that an amount pays for, forgiving one unit of rounding."""
    return int((amount + rounding) / price + 1e-6) if price > 0 and amount > 0 else 0


class AccountMoveLine(models.Model):
    """The part of invoice lines that decides what a credit note gives back and takes.

    ``_credit_note_take`` decides how many credits go with how much money, and
    ``_credit_note_share`` how much money goes with the credits that are left. The dialog, the
    draft and posting all ask them.
    """

    _inherit = "account.move.line"

    credit_note_text = fields.Char(
        readonly=True, engine=True, copy=False,
        help="On a credit note: what its text says of the credits, renewed when it is posted.")

    # What is left -------------------------------------------------------------------------

    def _credit_notes(self):
        """Return the lines of posted credit notes on these invoice lines."""
        return self.search([
            ("credit_refunded_line_id", "in", self.ids), ("parent_state", "=", "posted"),
            ("move_id.move_type", "=", "out_refund")])

    def _credit_money(self):
        """Compute what is paid for these lines; see ``account.move._credit_money``."""
        money = {}
        for move in self.move_id:
            money.update(move._credit_money())
        return money

    def _credit_given(self):
        """Return what this credit note line gives back, untaxed, in the invoice's currency."""
        self.ensure_one()
        amount, sold = self._paid_values()[self], self.credit_refunded_line_id
        if self.currency_id != sold.currency_id:
            return self.currency_id._convert(
                amount, sold.currency_id, self.company_id, self.move_id.date)
        return amount

    def _credit_lock_granted(self):
        """Lock the wallets of these packs, so that nobody spends what is being counted."""
        for lots in self._credit_grants().grouped("wallet_id").values():
            lots.lot_move_ids.lot_id._lock_offspring()

    def _credit_not_given_back(self):
        """Compute what no posted credit note has given back of these invoice lines.

        :return: dict of line to (quantity, amounts); see ``account.move._credit_money``
        """
        paid, notes = self._credit_money(), self._credit_notes()
        given, by_line = notes._credit_money(), notes.grouped("credit_refunded_line_id")
        left = {}
        for line in self:
            amounts, quantity = dict(paid[line]), line.quantity
            for note in by_line.get(line, ()):
                quantity -= note.quantity
                # Another currency has its own rate each day: there is no such limit in it.
                if note.currency_id == line.currency_id:
                    for key, amount in given[note].items():
                        amounts[key] = line.currency_id.round(amounts.get(key, 0.0) - amount)
            left[line] = quantity, amounts
        return left

    def _credit_is_lowered(self, quantity, amounts):
        """Tell whether other credit notes or discounts leave less than what the line says."""
        return quantity != self.quantity or self.currency_id.compare_amounts(
            amounts[UNTAXED], self.price_subtotal) != 0

    def _credit_pack_state(self):
        """Tell where the credits of this invoice line are.

        Credits that are held, because a payment was taken back, are left: a credit note takes the
        place of the hold.

        :return: dict, empty before the credits are granted: ``granted``, ``left``, ``expired``,
            ``used`` and ``back`` (taken by credit notes) in credits; ``value`` of those left and
            ``price`` of one, untaxed, in the currency of the invoice; ``grant``, the entry
        """
        self.ensure_one()
        grant = self._credit_grants()[:1]
        if not grant:
            return {}
        lots = grant.lot_move_ids.lot_id._with_offspring()
        spendable = lots.filtered(lambda lot: not lot._is_expired())
        held = self._credit_held_entries()
        left = sum(spendable.mapped("remaining")) - sum(held.mapped("credits"))
        value = sum(spendable.mapped("value_remaining")) - sum(held.mapped("value"))
        expired = sum((lots - spendable).mapped("remaining")) - sum(lots.move_ids.filtered(
            lambda move: move.entry_id.kind == "expiry").mapped("credits"))
        # sudo: how many credits came back does not depend on who may read the ledger
        back = -sum(self.env["credit.entry"].sudo().search([
            ("invoice_line_id", "in", self._credit_notes().ids)]).mapped("credits"))
        rate = 1.0
        if self.currency_id != self.company_currency_id:
            rate = self.credit_value and (
                self._credit_money()[self][UNTAXED] / self.credit_value)
        return {
            "grant": grant, "granted": grant.credits, "left": left, "expired": expired,
            "back": back, "used": max(grant.credits - left - expired - back, 0),
            "value": self.currency_id.round(value * rate),
            "price": grant.value * rate / grant.credits}

    # What is given back, and taken --------------------------------------------------------

    def _credit_note_share(self, scope, quantity, paid):
        """Compute the share of what is not given back yet that a credit note gives back.

        :param str scope: ``left``: as much as the credits left are worth; ``all``: everything
        :param float quantity: packs not given back yet
        :param float paid: untaxed price not given back yet, all discounts taken off
        :return: float, from 0 to 1
        """
        self.ensure_one()
        if not self.credit_count or self.quantity <= 0:
            return 1.0
        if quantity <= 0:
            return 0.0
        state = self._credit_pack_state()
        if scope != "left" or not state:
            return 1.0
        packs = round(self.credit_count * quantity)
        if state["left"] >= packs or not state["left"]:
            return float(bool(state["left"]))
        return min(state["value"] / paid, 1.0) if paid > 0 else 1.0

    def _credit_note_take(self, scope, quantity, given):
        """Decide how many credits of this line a credit note takes for the money it gives back.

        With the scope ``left``, no more than the money pays for. Otherwise all that is left of
        these packs, even if a part of the price is kept; and of the used ones as many become a
        debt as the money on top pays for, so that there is no debt without money.

        :param str scope: of the credit note; none when it was written by hand or by an order
        :param float quantity: packs on the credit note
        :param float given: untaxed money on it, in the currency of the invoice
        :return: (credits taken that are left, credits taken that are not)
        """
        self.ensure_one()
        state = self._credit_pack_state()
        packs = round(self.credit_count * quantity)
        if not state:
            return packs, 0
        taken, rounding = min(packs, state["left"]), self.currency_id.rounding
        price = state["value"] / state["left"] if state["left"] else 0.0
        if scope == "left":
            if price:
                taken = min(taken, count_whole(given, price, rounding))
            return taken, 0
        return taken, min(
            packs - taken, count_whole(given - taken * price, state["price"], rounding))

    def _credit_note_terms(self, scope, quantity, given):
        """Return what the proposal says of the credits of a line; nothing unless it sells packs.

        See ``account.move._credit_note_proposal``.
        """
        self.ensure_one()
        if not self.credit_count or quantity <= 0:
            return {}
        state = self._credit_pack_state()
        taken, missing = self._credit_note_take(scope, quantity, given)
        owed = 0
        if state:
            # sudo: how many are owed already does not depend on who may read the ledger
            owed = min(missing, self.env["credit.debt"].sudo()._used_credits(
                state["grant"].lot_move_ids.lot_id))
        return {"credits": taken, "owed": max(owed, 0), "state": state}

    def _credit_note_summary(self, proposal):
        """Return what the dialog says of this line.

        :param dict proposal: see ``account.move._credit_note_proposal``; none when nothing of
            the line is given back
        :return: dict: ``name``, ``state`` (texts) and ``given``, ``owed`` (texts or none)
        """
        self.ensure_one()
        state, count = self._credit_pack_state(), self.env["credit.wallet"]._credits_label
        summary = {"name": f"{self.quantity:g} × {self.product_id.display_name}", "owed": None}
        amount = proposal and formatLang(
            self.env, sum(proposal["amounts"].values()), currency_obj=self.currency_id)
        if not state:
            return {**summary, "state": [self.env._("Not paid yet: no credits were added.")],
                    "given": amount and self.env._(
                        "The credit note lowers what is due by %(amount)s, taxes included.",
                        amount=amount)}
        summary["state"] = self._credit_state_texts(state)
        summary["given"] = proposal and self.env._(
            "The credit note takes back %(credits)s and gives back %(amount)s, taxes included.",
            credits=count(proposal["credits"]), amount=amount)
        if proposal and proposal["owed"]:
            summary["owed"] = self.env._(
                "The customer then owes %(credits)s, which were used.",
                credits=count(proposal["owed"]))
        return summary

    def _credit_state_texts(self, state):
        """Say where the credits of this line are, as a list of short texts."""
        env = self.env
        # the grant is read as the system: the name of a customer, to who may credit the invoice
        texts = [
            env._("Wallet: %(name)s", name=state["grant"].wallet_id._survivor().partner_id.name),
            env._("Bought: %(count)s", count=state["granted"]),
            env._("Used: %(count)s", count=state["used"])]
        if state["expired"]:
            texts.append(env._("Expired: %(count)s", count=state["expired"]))
        if state["back"]:
            texts.append(env._("Given back before: %(count)s", count=state["back"]))
        return [*texts, env._("Left: %(count)s", count=state["left"])]

    # The draft ----------------------------------------------------------------------------

    def _credit_prepare_note_amounts(self, proposal):
        """Prepare the values of the credit note line that bears exactly these amounts.

        Odoo keeps the tax amounts given for a line until somebody changes it.

        :param dict proposal: see ``account.move._credit_note_proposal``
        """
        amounts, quantity = proposal["amounts"], proposal["quantity"]
        price, discount = self.price_unit, self.discount
        if proposal["is_changed"]:
            included = self.tax_ids and all(
                tax.price_include for tax in self.tax_ids.flatten_taxes_hierarchy())
            total = sum(amounts.values()) if included else amounts[UNTAXED]
            price, discount = total / quantity, 0.0
        untaxed = amounts[UNTAXED]
        taxes = {key: amount for key, amount in amounts.items() if key != UNTAXED}
        base = {"base_amount_currency": untaxed} if len(taxes) == 1 else {}
        return {
            "quantity": quantity, "price_unit": price, "discount": discount,
            "extra_tax_data": taxes and {
                "manual_total_excluded_currency": untaxed,
                "manual_tax_amounts": {
                    str(tax): {"tax_amount_currency": amount, **base}
                    for tax, amount in taxes.items()},
                "currency_id": self.currency_id.id, "price_unit": price, "discount": discount,
                "quantity": quantity}}

    def _credit_prepare_note_text(self, proposal):
        """Prepare the text of the credit note line, which says how many credits were used."""
        text = self._credit_note_sentence(
            proposal.get("state"), proposal.get("credits"), proposal.get("owed"))
        if not text:
            return {}
        return {"name": f"{self.name}\n{text}", "credit_note_text": text}

    def _credit_note_sentence(self, state, credits, owed):
        """Say in the customer's language what became of the credits of this line.

        :return: str, empty when none was used
        """
        if not state or not (state["used"] or state["expired"]):
            return ""
        env = self.with_context(lang=self.partner_id.lang or self.env.lang).env
        count = env["credit.wallet"]._credits_label
        text = env._(
            "Bought: %(bought)s. Used: %(used)s. Expired: %(expired)s. Given back: %(given)s.",
            bought=count(state["granted"]), used=state["used"], expired=state["expired"],
            given=count(credits))
        if owed:
            text += " " + env._("Used and refunded, hence owed: %(owed)s.", owed=count(owed))
        return text

    # Posting ------------------------------------------------------------------------------

    def _credit_check_notes(self):
        """Check these lines of credit notes, about to be posted, against what they refund.

        Their texts are renewed, as somebody may have changed the quantity or the price.

        :raise UserError: other taxes, a part of a pack, or more than what is left
        """
        for sold, lines in self.grouped("credit_refunded_line_id").items():
            for line in lines:
                if line.tax_ids != sold.tax_ids:
                    raise UserError(self.env._(
                        "“%(line)s” bears other taxes than on %(invoice)s, which it corrects. "
                        "Choose the taxes of the invoice.",
                        line=line.name, invoice=sold.move_id.name))
                if sold.credit_count and line._is_credit_pack():
                    line._credit_check_note(sold)
            left = lines.filtered(lambda line: line.move_id.credit_refund_scope == "left")
            if sold.credit_count and left:
                sold._credit_check_still_left(sum(line._credit_given() for line in left))

    def _credit_check_note(self, sold):
        """Check the packs on one line, and renew its text; see above."""
        whole = self.quantity == int(self.quantity)
        if not whole and self.quantity != sold._credit_not_given_back()[sold][0]:
            raise UserError(self.env._(
                "“%(pack)s” is given back by the piece: %(quantity)s is not a whole number. Lower "
                "the price instead, or choose “What is left” when you make the credit note.",
                pack=sold.product_id.display_name, quantity=self.quantity))
        former = self.credit_note_text
        if former and (self.name or "").endswith(former):
            terms = sold._credit_note_terms(
                self.move_id.credit_refund_scope, self.quantity,
                self._credit_given())
            text = sold._credit_note_sentence(terms["state"], terms["credits"], terms["owed"])
            self.name = self.name.removesuffix(former) + text
            self.sudo().credit_note_text = text  # sudo: what the engine keeps

    def _credit_check_still_left(self, given):
        """Refuse to give back more money than the credits left are worth; see above."""
        state, currency = self._credit_pack_state(), self.currency_id
        if state and currency.compare_amounts(given, state["value"]) > 0 and (
                state["used"] or state["expired"] or state["back"]):
            raise UserError(self.env._(
                "The credit note of “%(pack)s” gives back %(given)s without tax, but what is left "
                "of %(invoice)s is worth %(value)s (%(credits)s): credits were used since it was "
                "made, or its price was raised. Delete the draft and make it again; to give back "
                "used credits, too, choose “Everything paid”.",
                pack=self.product_id.display_name, invoice=self.move_id.name,
                given=formatLang(self.env, given, currency_obj=currency),
                value=formatLang(self.env, state["value"], currency_obj=currency),
                credits=self.env["credit.wallet"]._credits_label(state["left"])))
