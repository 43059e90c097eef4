from odoo import fields, models
from odoo.fields import Command

from ..tools import proration


class SubscriptionPeriod(models.Model):
    """The part of a period that makes its invoices and credit notes, and knows their amounts
    ahead.
    """

    _inherit = "subscription.period"

    def _invoice(self):
        """Post one invoice per period, all at once; a period that costs nothing has none.

        :return: the posted ``account.move`` records
        :raise UserError: the exchange rate of one is not known
        """
        self._collect_usage()
        vals_list = []
        for period in self:
            lines = period._prepare_invoice_lines()
            if lines:
                period.subscription_id._check_rate()
                vals_list.append(period._prepare_invoice_vals(lines))
            else:
                period.state = "free"
        self._complete_vals(vals_list)
        batch = self.env["subscription.invoice.batch"]
        moves = batch._create_invoices(self.subscription_id._invoice_model(), vals_list)
        batch._post_invoices(moves)
        self._queue_after_invoice()
        return moves

    def _collect_usage(self):
        """Extension point: put on these periods what was used and is on no invoice yet.

        Called before their invoices are made; lock what is counted until then.
        """

    def _prepare_usage_lines(self):
        """Extension point: bill what :meth:`_collect_usage` put on the period.

        :return: list of values of invoice lines, in the terms of the period's currency
        """
        self.ensure_one()
        return []

    def _complete_vals(self, vals_list):
        """Look up once, for all invoices of the batch, what Odoo would look up again for each."""
        moves = self.subscription_id._invoice_model()
        companies = self.env["res.company"].browse({vals["company_id"] for vals in vals_list})
        journals = {
            company.id: moves.with_company(company).new(
                {"move_type": "out_invoice", "company_id": company.id}).journal_id.id
            for company in companies}
        # sudo: whether there are any is all that is asked
        analytic = self.env["account.analytic.distribution.model"].sudo().search_count([], limit=1)
        for vals in vals_list:
            vals["journal_id"] = journals[vals["company_id"]]
            for _command, _id, line in [] if analytic else vals["invoice_line_ids"]:
                line["analytic_distribution"] = False

    def _queue_after_invoice(self):
        """Queue what happens after the commit: charge the token, or send the invoice to be paid."""
        charged = self.filtered(
            lambda period: period.state == "invoiced" and period.subscription_id.token_id)
        charged -= charged._carried()  # too little is left
        if charged:
            charged.charge_at = fields.Datetime.now()
            self.env.ref("subscription_billing.ir_cron_charge").sudo()._trigger()
            # sudo: the queue belongs to the system
        (self - charged).invoice_id._subscription_queue_mail()

    def _prepare_invoice_vals(self, lines):
        """Prepare the invoice: it is issued today, however late; its line names the days it bills.

        Source: CGI, annex II, art. 242 nonies A, I, 6° and 10°. It falls due, and is chased, from
        today.
        """
        self.ensure_one()
        subscription = self.subscription_id
        return {
            **subscription._prepare_document_vals("out_invoice", subscription._today()),
            "fiscal_position_id": self.fiscal_position_id.id,
            "invoice_line_ids": [Command.create(line) for line in lines],
        }

    def _prepare_invoice_lines(self):
        """Prepare the invoice lines: the stretch, the setup fee with the first one, and usage.

        Each line knows its period, so that an invoice without a price belongs to the subscription,
        too.
        """
        self.ensure_one()
        lines, extras = [], []
        if self._charge_amount():
            lines.append(self._prepare_charge_line())
        if self.setup_fee:
            extras.append(self._prepare_setup_line(self.setup_fee))
        extras += self._prepare_usage_lines()
        return lines + [
            {**extra, "subscription_period_id": self.id, "is_subscription_extra": True}
            for extra in extras]

    def _charge_amount(self):
        """Compute what the stretch costs, in the terms of the price."""
        self.ensure_one()
        return self._price_of(self.date_start, self.date_end)

    def _is_whole(self):
        return (self.date_start, self.date_end) == (self.full_start, self.full_end)

    def _prepare_charge_line(self):
        """Prepare the line that bills the stretch; part of a period is one piece at its price."""
        product = self.subscription_id._product(self.plan_id)
        whole = self._is_whole()
        return {
            "product_id": product.id,
            "name": self._line_label(),
            "quantity": self.quantity if whole else 1,
            "price_unit": self.unit_price if whole else self._charge_amount(),
            "discount": self.discount if whole else 0.0,
            "tax_ids": [Command.set(self.subscription_id._product_taxes(
                product, self.fiscal_position_id)[1].ids)],
            "subscription_period_id": self.id,
        }

    def _line_label(self):
        subscription = self.subscription_id._in_customer_language()
        period = self.with_env(subscription.env)
        name, dates = period.plan_id.name, period._dates_label()
        if period._is_whole():
            return subscription.env._("%(plan)s, %(dates)s", plan=name, dates=dates)
        return subscription.env._(
            "%(plan)s × %(quantity)s, %(dates)s (%(days)s of %(whole)s days)", plan=name,
            quantity=period.quantity, dates=dates,
            days=(period.date_end - period.date_start).days,
            whole=(period.full_end - period.full_start).days)

    def _prepare_setup_line(self, fee):
        """Prepare the invoice line of the setup fee."""
        subscription = self.subscription_id
        # sudo: see _product
        product = self.plan_id.setup_product_id.sudo().with_company(subscription.company_id)
        taxes, mapped = subscription._product_taxes(product, self.fiscal_position_id)
        return {
            "product_id": product.id,
            "name": subscription._in_customer_language().env._("Setup fee"),
            "quantity": 1,
            "price_unit": product._get_tax_included_unit_price_from_price(
                fee, product_taxes=taxes, product_taxes_after_fp=mapped),
            "tax_ids": [Command.set(mapped.ids)],
        }

    # Credit notes -------------------------------------------------------------------------------

    def _charged_line(self):
        """Return the posted invoice line that bills the stretch."""
        return self.line_ids.filtered(
            lambda line: line.move_id == self.invoice_id and line.display_type == "product"
            and not line.is_subscription_extra)[:1]

    def _post_credit_note(self, amount, day):
        """Post the credit note of a part of the stretch, at the taxes of its own invoice.

        :param float amount: in the terms of the price, at most what is left of the invoice
        :param date day: of the credit note
        """
        self.ensure_one()
        subscription = self.subscription_id
        move = subscription._invoice_model().create({
            **subscription._prepare_document_vals("out_refund", day),
            "reversed_entry_id": self.invoice_id.id,
            "journal_id": self.invoice_id.journal_id.id,
            "fiscal_position_id": self.invoice_id.fiscal_position_id.id,
            "invoice_line_ids": [Command.create(self._prepare_credit_line(amount))],
        })
        move._post(soft=False)
        subscription._settle_by_credit_notes(move + self.invoice_id)
        return move

    def _prepare_credit_line(self, amount):
        """Prepare the line of a credit note, at the taxes of the invoice."""
        line = self._charged_line()
        untaxed, taxes = self._credit_split(amount)
        return {
            "product_id": line.product_id.id,
            "account_id": line.account_id.id,
            "name": self.subscription_id._in_customer_language().env._(
                "Credit: %(line)s", line=line.name),
            "quantity": 1,
            "price_unit": amount,
            "tax_ids": [Command.set(line.tax_ids.ids)],
            "subscription_period_id": self.id,
            # The taxes the invoice bore, whatever has become of their rates since.
            "extra_tax_data": {
                "currency_id": self.currency_id.id, "price_unit": amount, "discount": 0.0,
                "quantity": 1.0, "manual_total_excluded_currency": untaxed,
                "manual_tax_amounts": {
                    str(tax.id): {"tax_amount_currency": tax_amount,
                                  "base_amount_currency": untaxed}
                    for tax, tax_amount in taxes.items()},
            },
        }

    def _credit_split(self, amount):
        """Split a credit into its untaxed part and its taxes, in proportion to the invoice's line.

        Shares are taken of the running total, so the credits of a line never exceed it, tax
        included, and the last one gives back the last cent.

        :return: (float untaxed, dict of ``account.tax`` to float)
        """
        paid, paid_taxes = self._charged_line()._subscription_paid_split()
        taxes = {tax: self._share_of_line(whole, amount) for tax, whole in paid_taxes.items()}
        compare = self.currency_id.compare_amounts
        if not compare(paid, self.amount):  # no tax is included in the price
            return amount, taxes
        if not compare(paid + sum(paid_taxes.values()), self.amount):  # all of them are
            return self.currency_id.round(amount - sum(taxes.values())), taxes
        return self._share_of_line(paid, amount), taxes

    def _share_of_line(self, whole, amount):
        """Compute the part of `whole` that belongs to the next `amount` of the line."""
        unit = self.currency_id.rounding
        before, after, total = (proration.as_decimal(value) for value in (
            self.credited, self.credited + amount, self.amount))
        whole = proration.as_decimal(whole)
        return float(proration.round_money(whole * after / total, unit)
                     - proration.round_money(whole * before / total, unit))

    # Amounts ahead of the documents -------------------------------------------------------------

    def _credit_totals(self, amount):
        """Compute what a credit note of `amount` will show.

        :return: dict of untaxed, tax and total, positive
        """
        untaxed, taxes = self._credit_split(amount) if amount else (0.0, {})
        tax = self.currency_id.round(sum(taxes.values()))
        return {"untaxed": untaxed, "tax": tax, "total": self.currency_id.round(untaxed + tax)}

    def _charge_totals(self):
        """Compute what the invoice of the stretch will show, by Odoo's own computation of taxes.

        Works on a row that is not in the database, too (``new``).

        :return: dict of untaxed, tax and total
        """
        return self._totals_of(self._prepare_invoice_lines())

    def _totals_of(self, invoice_lines):
        """Compute the totals of lines of an invoice of the stretch.

        :param invoice_lines: list of their values
        :return: dict of untaxed, tax and total
        """
        self.ensure_one()
        taxes = self.env["account.tax"].sudo()  # sudo: see _fiscal_position
        company = self.subscription_id.company_id
        lines = [taxes._prepare_base_line_for_taxes_computation(
            {}, currency_id=self.currency_id, quantity=line["quantity"],
            price_unit=line["price_unit"], discount=line.get("discount", 0.0),
            tax_ids=taxes.browse(line["tax_ids"][0][2]),
            product_id=self.env["product.product"].sudo().browse(line["product_id"]))
            for line in invoice_lines]
        taxes._add_tax_details_in_base_lines(lines, company)
        taxes._round_base_lines_tax_details(lines, company)
        totals = taxes._get_tax_totals_summary(lines, self.currency_id, company)
        return {name: self.currency_id.round(totals[key]) for name, key in (
            ("untaxed", "base_amount_currency"), ("tax", "tax_amount_currency"),
            ("total", "total_amount_currency"))}
