from datetime import timedelta

from odoo import fields, models

from odoo.addons.concurrency_base.tools import lock_in_order
from odoo.addons.subscription_billing.tools import proration


class SubscriptionPeriod(models.Model):
    """A period and its credits: granted once, with its payment.

    By default the whole untaxed price of the period is the value of its credits: that is what
    « 10 crédits/mois » sells. It waits on the account of packs awaiting payment, is owed from
    the grant on, and becomes income as the credits are used or expire. With a smaller share the
    price is income as Odoo makes it, and the grant moves the share out of it.
    """

    _inherit = "subscription.period"

    credit_count = fields.Integer(
        string="Credits", readonly=True, default=0,
        help="Credits that the stretch grants, as sold.")
    credit_share = fields.Float(
        string="Share of the price for credits (%)", readonly=True, default=100.0,
        digits=(5, 2))
    credit_rollover = fields.Boolean(readonly=True, help="Its credits outlive it, as sold.")
    credit_validity_months = fields.Integer(
        readonly=True, help="From the grant, when they outlive it; 0: no expiry.")
    credit_entry_ids = fields.One2many(
        "credit.entry", "subscription_period_id", string="Credits granted")

    _credit_count_not_negative = models.Constraint(
        "CHECK(credit_count >= 0)", "A period grants no credits or some, not fewer than none.")

    def _invoice(self):
        """Grant the credits of a whole period that costs nothing, without a payment."""
        moves = super()._invoice()
        self.filtered(lambda period: period.state == "free")._credit_grant()
        return moves

    # Grant ------------------------------------------------------------------------------------

    def _credit_key(self):
        """Return the key of the ledger: one period grants once, ever."""
        return f"subscription:{self.id}"

    def _credit_grants(self):
        """Find the entries that granted the credits of these periods.

        :return: dict of period to the ``credit.entry`` that granted its credits
        """
        # sudo: whoever registers the payment; the ledger decides what is done
        entries = self.env["credit.entry"].sudo().search(
            [("subscription_period_id", "in", self.ids)])
        return {entry.subscription_period_id: entry for entry in entries}

    def _credit_grant(self):
        """Grant the credits of these periods, each once, less what is already credited.

        A second call finds the entry under its key; two at once meet on the wallet's row, and
        the later is tried again by Odoo. Days that cost nothing grant with a whole period or a
        trial only, lest a change between free plans be a source of credits.

        :return: the new ``credit.entry`` records
        """
        # sudo: the grant follows from the contract and its payment, whoever registered it
        due = self.sudo().filtered(lambda period: period._credits_billed())
        granted = due._credit_grants()
        due = due.filtered(lambda period: period not in granted)
        kept = due.filtered(lambda period: period._credits_left(period.credited))
        (due - kept)._credit_keep_rest(self.env._("rest worth less than half a credit"))
        entries = self.env["credit.entry"].sudo()
        for company, periods in kept.grouped("company_id").items():
            wallets = self.env["credit.wallet"]._of_all(
                periods.subscription_id.partner_id, company)
            entries += self.env["credit.wallet"]._grant_all("purchase", [
                period._prepare_credit_grant(wallets[period.partner_id])
                for period in periods])
        for entry in entries:
            self.env["credit.debt"].sudo()._settle_with(entry)
        entries._send_mail("subscription_credit.mail_template_period_credits")
        return entries

    def _prepare_credit_grant(self, wallet):
        """Prepare what :meth:`credit.wallet._grant_all` needs to grant the period."""
        self.ensure_one()
        line = self._charged_line()
        subscription = self.subscription_id._in_customer_language()
        return {
            "wallet": wallet,
            "credits": self._credits_left(self.credited),
            "value": self._credit_value(),
            "key": self._credit_key(),
            "expiry_date": self._credit_expiry_date(),
            "voucher_kind": line._credit_sold_voucher_kind() if line else None,
            "entry_vals": {
                "subscription_period_id": self.id,
                "invoice_line_id": line.id,
                "origin": f"{self.with_env(subscription.env).display_name} ({subscription.name})",
            },
        }

    def _credits_billed(self):
        """Return the credits that the period can grant now: 0 when it is void or not due."""
        self.ensure_one()
        if self.state == "void" or (self.state == "free" and self.kind == "change"):
            return 0
        return self.credit_count

    def _credits_left(self, credited):
        """Return the whole credits of what stays paid when `credited` was given back.

        The customer keeps the share rounded to the nearest credit, half a credit in their
        favour; what is taken back is the rest, so parts add up to the whole.

        :param float credited: in the terms of the price, like ``amount``
        """
        self.ensure_one()
        if not self.amount:
            return self.credit_count
        amount = proration.as_decimal(self.amount)
        kept = amount - proration.as_decimal(credited)
        return int(proration.round_money(self.credit_count * kept / amount, 1))

    def _credits_if_cut(self, day):
        """Compute the credits taken back when the stretch ends before `day`."""
        self.ensure_one()
        if not self._credits_billed() or self not in self._credit_grants():
            return 0
        return self._credits_left(self.credited) - self._credits_left(
            self.credited + self._credit_if_cut(day))

    def _credit_value(self):
        """Return the untaxed price paid for the credits, less credit notes, in company currency."""
        self.ensure_one()
        lines = self.line_ids.filtered(
            lambda line: line.parent_state == "posted" and line.display_type == "product"
            and not line.is_subscription_extra)
        paid = sum(
            -line.move_id.direction_sign * value
            for line, value in lines._paid_values("balance").items())
        return self.company_id.currency_id.round(max(paid, 0.0) * self.credit_share / 100)

    def _credit_is_whole_price(self):
        """Tell whether the price of the stretch is nothing but the value of its credits."""
        return bool(self.credit_count) and self.credit_share == 100

    def _credit_expiry_date(self):
        """Return the last day on which the credits can be spent, or False.

        Paid when the period is over, they last as long as it did, from the payment: what was
        paid for can be used.
        """
        self.ensure_one()
        today = self.company_id._credit_today()
        if self.credit_rollover:
            return self.company_id._credit_expiry_date(self.credit_validity_months)
        if self.last_day >= today:
            return self.last_day
        return today + (self.date_end - self.date_start) - timedelta(days=1)

    def _credit_give_up(self):
        """Forfeit what was not granted by the time the invoice is written off.

        Its price counts as income, as for any invoice that is written off: the loss is booked
        beside it.
        """
        # sudo: follows from the write-off, whose rights were checked
        self.sudo()._credit_keep_rest(self.env._("written off, no credits granted"))

    def _credit_keep_rest(self, reason):
        """Book the price of credits that are not granted as income.

        Otherwise it would stay on the account of packs awaiting payment for ever.

        :param str reason: for the label of the journal entry
        """
        debts = self.env["credit.debt"]
        for period in self.filtered(lambda period: period._credit_is_whole_price()):
            line = period._charged_line()
            if line and not debts._followed(line):
                debts._post_given_up(
                    line, -period._credit_value(), f"{line.move_id.name}: {reason}")

    def _credit_lock_wallets(self):
        """Lock the wallets before the number of a document is taken: the order of bookings."""
        for company, periods in self.grouped("company_id").items():
            wallets = self.env["credit.wallet"]._of_all(
                periods.subscription_id.partner_id, company)
            lock_in_order(self.env["credit.wallet"].concat(*wallets.values()))

    def _credits_note(self):
        """Say « 10 crédits », or what they wait for, beside the period in the portal."""
        self.ensure_one()
        label = self.env["credit.wallet"]._credits_label
        if grant := self.credit_entry_ids:
            return label(grant.credits)
        if self.state in ("to_invoice", "invoiced") and self.credit_count:
            return self.env._("%(credits)s once it is paid", credits=label(self.credit_count))
        return ""
