from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import clean_context

from odoo.addons.concurrency_base.tools import lock_in_order

from ..tools import civil


class SubscriptionSubscription(models.Model):
    """The part of a subscription that bills its next period."""

    _inherit = "subscription.subscription"

    def _renew(self):
        """Do for each what its next day asks for: begin, bill, resume or end.

        Each subscription moves on by one period, so missed periods are billed one by one. The
        caller holds the rows' locks.

        :return: the ``subscription.period`` records billed
        """
        over = self.filtered(lambda subscription: subscription._is_due_to_end())
        over._end(reason="term")
        live = self - over
        live -= live._end_unpaid_trials()
        begun = live._begin_upcoming()
        live -= begun.filtered(lambda subscription: subscription.state == "trial")
        live._leave_pause()
        live._apply_planned_changes()
        periods = live._bill_next_period()
        begun._send_mail("subscription_billing.mail_template_started")
        return periods

    def _is_due_to_end(self):
        """Tell whether the end of the contract comes before its next period.

        Where no period is ahead, in a pause or a suspension, its day decides.
        """
        self.ensure_one()
        return self._is_over() if self.state in self._BILLED_STATES else self._is_past_end()

    def _is_over(self):
        """Tell whether no period is billed any more."""
        self.ensure_one()
        return bool(self.end_date) and self.end_date <= self.next_date

    def _next_billed_day(self):
        """Return the first civil day of the next period that costs something: a trial may come
        before.
        """
        self.ensure_one()
        return max(self.next_date, self.anchor_date)

    def _bill_next_period(self):
        """Create and invoice the period that starts on the next date of each, at the price of
        that day."""
        self._apply_announced_prices()
        periods = self._create_periods([
            subscription._prepare_period_vals() for subscription in self])
        for subscription, period in zip(self, periods, strict=True):
            subscription.next_date = period.date_end
        trials = self.filtered(lambda subscription: subscription.state == "trial")
        trials._convert()
        (self - trials)._log_events("renew")
        periods._invoice()
        return periods

    def _invoice_usage(self):
        """Invoice what was used and no renewal bills soon, on a row of no days.

        The invoice belongs to the subscription, and is charged, chased and shown like any other.

        :return: the posted ``account.move`` records
        """
        return self._create_periods(
            [subscription._prepare_usage_vals() for subscription in self])._invoice()

    def _prepare_usage_vals(self):
        """Prepare a period that bills only what was used."""
        self.ensure_one()
        today = self._today()
        return {
            **self._prepare_period_vals("usage", (today, today + timedelta(days=1)), today),
            "date_end": today, "unit_price": 0.0}

    def _find_unbilled_usage(self, last_id, limit):
        """Extension point: find subscriptions with usage to invoice before their next renewal.

        :param int last_id: only those with a greater one, in this order
        """
        return self.browse()

    def _create_periods(self, vals_list):
        self._lock()
        # sudo: rows are made by the engine only, whoever subscribes
        return self.env["subscription.period"].sudo().create(vals_list)

    def _lock(self):
        """Wait for whoever is billing these subscriptions; if they did, the request starts again.

        The index of the periods would refuse a period twice as well, but its refusal is final, and
        two of them wait for each other. Odoo retries this conflict, and then sees the subscription
        as it is.
        """
        lock_in_order(self)

    # Terms ------------------------------------------------------------------------------------

    def _prepare_terms(self, price=None, quantity=None, day=None):
        """Return what the subscription is for, or would be after a change.

        A discount was agreed for the price, and goes with it. Before anything is billed, the
        setup fee is that of the price chosen last.

        :param date day: first day of the stretch that bears the terms; by default, of the present
            period for the present price, today for another one
        """
        self.ensure_one()
        price = price or self.price_id
        same = price == self.price_id
        day = day or (None if same else self._today())
        return {
            "plan_id": price.plan_id.id, "price_id": price.id,
            "quantity": quantity or self.quantity,
            "unit_price": self._unit_price_on(day, price) if day else self.unit_price,
            "discount": self.discount if same else 0.0,
            "setup_fee": self.setup_fee if same or self.state != "trial" else price.setup_fee,
        }

    @api.model
    def _prepare_start_terms(self, price):
        """Extension point: prepare what a price offers for the start.

        :return: dict of the subscription's fields; a change of plan within the trial alone
            takes commitment and setup fee from the new one
        """
        price = price.sudo()  # sudo: what is on offer is public
        return {"trial_days": price.plan_id.trial_days,
                "commitment_months": price.plan_id.commitment_months,
                "setup_fee": price.setup_fee}

    @api.model
    def _prepare_lasting_terms(self, price):
        """Extension point: prepare what a price offers besides its amount, for as long as it runs.

        The subscription bears it under the same names from the day it is agreed, which is that of
        the start or of the change to the price.

        :return: dict of the subscription's fields to values that can be written as JSON
        """
        plan = price.sudo().plan_id  # sudo: what is on offer is public
        return {"cancel_policy": plan.cancel_policy, "trial_needs_card": plan.trial_needs_card,
                "payment_term_id": plan.payment_term_id.id}

    def _lasting_terms(self, price):
        """Return the lasting terms at a price: as agreed, by a planned change too, else as on
        offer."""
        self.ensure_one()
        if price == self.price_id:
            return self._convert_to_write(
                {name: self[name] for name in self._prepare_lasting_terms(price)})
        planned = self._planned_change()
        return self._terms_of_change(planned.lasting_terms if planned.price_id == price else {},
                                     price)

    @api.model
    def _terms_of_change(self, kept, price):
        """Return the lasting terms that a change has kept.

        What it does not know, because an addon came later, is on offer; what an addon that is gone
        knew is left out.
        """
        return {name: (kept or {}).get(name, value)
                for name, value in self._prepare_lasting_terms(price).items()}

    def _price_label(self, price=None, day=None):
        """Return « Pro, 49,00 € HT par mois »: what this customer pays for a unit.

        :param price: a ``subscription.plan.price`` they would change to, by default the present
        :param date day: first day at that price; see :meth:`_prepare_terms`
        """
        self.ensure_one()
        price = price or self.price_id
        amount = self._per_interval({**self._prepare_terms(price, day=day), "quantity": 1})
        return self.env._(
            "%(plan)s, %(amount)s %(interval)s", plan=price.plan_id.name,
            amount=price._with_tax_word(amount), interval=price._interval_label())

    def _per_interval(self, terms):
        """Return what `terms` cost for a whole interval, in the terms of the price."""
        return terms["unit_price"] * terms["quantity"] * (1 - terms["discount"] / 100)

    def _unit_price_on(self, day, price=None):
        """Return the price of one unit in a period that starts on `day`, before the discount.

        This method alone decides it, for preview, portal, mails, invoice and renewal alike: the
        price agreed with the customer, until a day for which another one was announced to them.
        A price that was not announced to the customer does not bind them.

        :param price: a ``subscription.plan.price`` they would change to, by default the present
            one: it costs what it is on offer for on that day, or what was agreed when the change
            was planned
        """
        self.ensure_one()
        price = price or self.price_id
        agreed, since = self._price_agreed(day, price)
        # sudo: what the customer was told binds, whoever asks
        told = self.sudo().notice_ids.filtered(
            lambda notice: notice._announces(price) and since < notice.day <= day)
        return told.sorted(lambda notice: (notice.day, notice.id))[-1].amount if told else agreed

    def _price_agreed(self, day, price):
        """Return the price agreed with the customer, and since when.

        :return: (float unit price, date of the agreement); see :meth:`_unit_price_on`
        """
        if price == self.price_id:
            return self.unit_price, self.agreed_on or self.create_date.date()
        planned = self._planned_change()
        if planned.price_id == price:
            return planned.unit_price, planned.agreed_on or planned.create_date.date()
        return price._amount_on(day), day

    def _announced_price(self):
        """Return the ``subscription.notice`` of the price that comes next, or none."""
        self.ensure_one()
        price = self._planned_change().price_id or self.price_id
        _agreed, since = self._price_agreed(self._today(), price)
        day = max(since, self._today())
        # sudo: the customer's own
        return self.sudo().notice_ids.filtered(
            lambda notice: notice._announces(price) and notice.day > day).sorted("day")[:1]

    def _note_announced_price(self, price):
        """Note that the customer was told of the price that will take the place of `price`.

        Whoever subscribes or changes at a price on offer reads on the page, on the order and in
        the confirmation what it will become, and from when.
        """
        # sudo: the engine's own rows
        notices = self.env["subscription.notice"].sudo()
        notices.create([{
            "subscription_id": subscription.id, "kind": "price", "price_id": price.id,
            "day": price.next_date, "amount": price.next_amount,
        } for subscription in self if price.next_date > subscription._today()
            and not subscription.sudo().notice_ids.filtered(
                lambda notice: notice._announces(price) and notice.day == price.next_date)])

    def _apply_announced_prices(self):
        """Raise the price for whoever was told, from the first period on or after the day
        announced: each period has the price of its own first day, however late it is billed.
        """
        for subscription in self:
            price = subscription._unit_price_on(subscription.next_date)
            if subscription.currency_id.compare_amounts(price, subscription.unit_price):
                before = subscription._standing()
                subscription.write({"unit_price": price, "agreed_on": subscription.next_date})
                subscription._log_events("price", before)

    def _prepare_period_vals(self, kind="recurring", full=None, first=None, terms=None):
        """Prepare a stretch, up to the end of its whole period or of the contract.

        :param full: (start, end) of the whole period; by default the one of the next date
        :param first: first day of the stretch, by default the next one that is billed
        :param terms: see :meth:`_prepare_terms`
        """
        self.ensure_one()
        first = first or self._next_billed_day()
        start, end = full or civil.period_of(*self._interval(), first)
        terms = terms or self._prepare_terms(day=first)
        plan = self.env["subscription.plan"].browse(terms["plan_id"])
        position = self._fiscal_position()
        first_billed = kind == "recurring" and not self.period_ids.filtered(
            lambda period: period.kind in ("recurring", "change"))
        return {
            "subscription_id": self.id, "kind": kind, "currency_id": self.currency_id.id,
            "full_start": start, "full_end": end, "date_start": first,
            "date_end": min(end, max(self.end_date, first)) if self.end_date else end,
            **terms, "fiscal_position_id": position.id,
            "unit_price": self._invoiced_price(plan, terms["unit_price"], position),
            "setup_fee": terms["setup_fee"] if first_billed else 0.0,
        }

    # What the customer's taxes make of the price --------------------------------------------

    def _fiscal_position(self):
        """Return that of the customer as they are now: a VAT number gained counts from the next
        invoice.
        """
        self.ensure_one()
        positions = self.env["account.fiscal.position"].sudo().with_company(self.company_id)
        # sudo: taxes follow from the customer's data, whoever is billing
        return positions._get_fiscal_position(self.partner_invoice_id)

    def _product(self, plan):
        # sudo: customers may not read products that are not published
        return plan.product_tmpl_id.sudo().product_variant_id.with_company(self.company_id)

    def _product_taxes(self, product, position):
        """Return the taxes of the product, and those this customer pays instead.

        :return: two ``account.tax`` recordsets
        """
        taxes = product.taxes_id._filter_taxes_by_company(self.company_id)
        return taxes, position.map_tax(taxes)

    def _invoiced_price(self, plan, unit_price, position):
        """Return an agreed price, less the included tax that this customer does not pay."""
        self.ensure_one()
        product = self._product(plan)
        taxes, mapped = self._product_taxes(product, position)
        return product._get_tax_included_unit_price_from_price(
            unit_price, product_taxes=taxes, product_taxes_after_fp=mapped)

    # Invoices -----------------------------------------------------------------------------

    def _invoice_model(self):
        """Return ``account.move`` to bill with.

        sudo: invoices follow from the contract, whoever triggered them. The run tells no followers
        of drafts: the history of the subscription says what was billed.
        """
        return self.env["account.move"].sudo().with_context(  # pylint: disable=context-overridden
            clean_context(self.env.context), tracking_disable=True, mail_create_nosubscribe=True)

    def _prepare_document_vals(self, move_type, day):
        """Prepare an invoice or credit note of the subscription, without its lines."""
        self.ensure_one()
        vals = {
            "move_type": move_type,
            "company_id": self.company_id.id,
            "partner_id": self.partner_invoice_id.id,
            "currency_id": self.currency_id.id,
            "invoice_date": day,
            "date": day,
            "invoice_origin": self.name,
            "invoice_user_id": self.user_id.id,
        }
        if move_type == "out_invoice":
            vals["invoice_payment_term_id"] = self._payment_term().id
        return vals

    def _payment_term(self):
        """Return when invoices fall due: at once where a card is saved; else by the customer's own
        term, which holds for all their invoices; else by the one agreed.
        """
        self.ensure_one()
        if self.token_id:
            return self.env["account.payment.term"]
        # sudo: terms follow from the customer and the contract, whoever is billing
        subscription = self.sudo().with_company(self.company_id)
        return (subscription.partner_invoice_id.property_payment_term_id
                or subscription.payment_term_id)

    def _in_customer_language(self):
        """Return the subscription in its customer's language, for what the customer reads."""
        self.ensure_one()
        return self.with_context(lang=self.partner_id.lang or self.env.lang)

    # Cutting a period short -------------------------------------------------------------------

    def _period_on(self, day):
        """Return the billed stretch that holds a day, or none."""
        self.ensure_one()
        # sudo: the customer's own rows
        return self.sudo().period_ids.filtered(
            lambda period: period.state != "void"
            and period.date_start <= day < period.date_end)

    def _check_can_cut(self, period):
        if period.state == "to_invoice":
            if period == self.sudo().period_ids.sorted("date_start")[:1] and self.sale_order_id:
                raise UserError(self.env._(
                    "%(subscription)s: its first period is not invoiced yet. Invoice the order "
                    "%(order)s first.", subscription=self.name, order=self.sale_order_id.name))
            raise UserError(self.env._(
                "%(period)s of %(subscription)s has no invoice any more. Invoice the period "
                "first.", period=period.display_name, subscription=self.name))

    def _cut_short(self, day, full_credit=False):
        """End the current stretch before `day`, and credit the days after it.

        :param bool full_credit: give back all that was paid for the current period
        :return: the posted credit notes, or none when nothing is given back
        """
        self.ensure_one()
        period = self._period_on(day)
        if period:
            self._check_can_cut(period)
        credit_notes = self._invoice_model().browse()
        for stretch, credit in self._credits_if_cut(day, full_credit).items():
            credit_notes += stretch._post_credit_note(credit, self._today())
        if period:
            period.write(
                {"date_end": day} if day > period.date_start
                else {"date_end": period.date_start, "state": "void"})
            period.flush_recordset()  # the row after it is inserted at once and must find room
        return credit_notes

    def _credits_if_cut(self, day, full_credit=False):
        """Compute what is given back of each stretch when the current one ends before `day`.

        The one method that decides it: what is shown before is what is credited.

        :param bool full_credit: all that was paid for the period that holds today is: of all its
            stretches, those before a change within it, too
        :return: dict of ``subscription.period`` to float, in the terms of the price, above zero
        """
        self.ensure_one()
        credits = {}
        if full_credit:
            now = self._period_on(self._today())
            # sudo: the customer's own rows
            stretches = self.sudo().period_ids.filtered(
                lambda period: period.state != "void"
                and (period.full_start, period.full_end) == (now.full_start, now.full_end))
            credits = {period: period._credit_if_cut(period.date_start)
                       for period in stretches.sorted("date_start")}
        period = self._period_on(day)
        if period and period not in credits:
            credits[period] = period._credit_if_cut(day)
        return {period: credit for period, credit in credits.items() if credit}

    def _settle_by_credit_notes(self, invoices):
        """Let credit notes pay the invoices beside them, oldest first."""
        lines = invoices.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable" and not line.reconciled
            and line.parent_state == "posted")
        for account_lines in lines.grouped("account_id").values():
            if len(set(account_lines.mapped(lambda line: line.balance > 0))) == 2:
                account_lines.reconcile()

    def _documents(self):
        """Return the documents of the subscription, newest first, for smart buttons and the
        portal.
        """
        # sudo: the documents of one's own contract; the portal checks its own access
        moves = self.sudo().period_ids.line_ids.move_id
        return moves.sorted(lambda move: (move.invoice_date or fields.Date.today(), move.id),
                            reverse=True)
