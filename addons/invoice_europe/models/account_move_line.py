from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import as_engine

from ..tools import months

ROUNDING_UNITS = 2  # what two roundings of one amount by the day may differ by


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    # The names Odoo's electronic invoices look for: the line's billing period (BG-26).
    deferred_start_date = fields.Date(
        string="Service from", help="First day of the service.")
    deferred_end_date = fields.Date(
        string="Service until", help="Last day of the service; its price is spread over the "
        "civil months when it lasts long enough.")
    revenue_deferral_ids = fields.One2many("revenue.deferral", "line_id", readonly=True)
    corrected_line_id = fields.Many2one(
        "account.move.line", string="Corrected line", readonly=True, engine=True, copy=False,
        index="btree_not_null", ondelete="set null",
        help="On a credit note: the invoice line whose revenue it takes back.")
    correcting_line_ids = fields.One2many("account.move.line", "corrected_line_id", readonly=True)

    _deferred_dates_in_order = models.Constraint(
        "CHECK(deferred_start_date <= deferred_end_date)",
        "A service ends after it started: correct the dates of the line.")

    def write(self, vals):
        """Keep the days of services whose revenue is spread.

        :raise UserError: the shares of the months rest on them
        """
        if {"deferred_start_date", "deferred_end_date"} & set(vals):
            spread = self.sudo().filtered(lambda line: line.revenue_deferral_ids.filtered(
                lambda share: not share.is_void))  # sudo: whether there are any
            if spread:
                raise UserError(self.env._(
                    "The revenue of %(invoices)s is spread over the days of its services. Reset "
                    "it to draft to change them.",
                    invoices=", ".join(spread.move_id.mapped("display_name"))))
        return super().write(vals)

    # What a credit note corrects --------------------------------------------------------------

    def _copy_data_extend_business_fields(self, values):
        """Let a credit note made from an invoice remember the line that it corrects."""
        result = super()._copy_data_extend_business_fields(values)
        # Odoo copies an invoice this way, too, to replace the one that is credited.
        is_reversal = "move_reverse_cancel" in self.env.context
        if is_reversal and self.display_type == "product":
            values["corrected_line_id"] = self.id
        return result

    def _link_corrected_line(self):
        """Name the invoice line that each of these credit note lines corrects, if it can be told.

        A line without days of service takes those of the line that it corrects.
        """
        for line in self.filtered(lambda line: line.display_type == "product"):
            if not line.corrected_line_id:
                as_engine(line).corrected_line_id = line._find_corrected_line()
            corrected = line.corrected_line_id
            if corrected.deferred_end_date and not line.deferred_end_date:
                line.write({
                    "deferred_start_date": corrected.deferred_start_date,
                    "deferred_end_date": corrected.deferred_end_date})

    def _find_corrected_line(self):
        """Find the invoice line that a credit note line corrects.

        Of the posted invoices of its order line, or else of those that the credit note names, it
        is the line with the same product: one of the same amount first, then the latest.

        :return: ``account.move.line``, or none
        """
        self.ensure_one()
        # sudo: accountants need no right on orders to post their credit notes
        sold = self.sudo().sale_line_ids.invoice_lines
        lines = sold or self.move_id._legal_corrected_invoices().invoice_line_ids.filtered(
            lambda line: line.product_id == self.product_id)
        lines = lines.filtered(
            lambda line: line.display_type == "product" and line.parent_state == "posted"
            and line.move_id.move_type == "out_invoice" and line.balance * self.balance < 0
            and line not in self.move_id.invoice_line_ids.corrected_line_id)
        return lines.sorted(lambda line: (
            line.price_subtotal == self.price_subtotal, line.move_id.invoice_date, line.id))[-1:]

    # Revenue by month -------------------------------------------------------------------------

    def _is_spread(self):
        """Tell whether the line's price is revenue of several civil months.

        A credit note follows the line that it corrects, however few months it gives back.
        """
        self.ensure_one()
        if self.display_type != "product" or self.company_currency_id.is_zero(self.balance):
            return False
        if self.move_id.move_type == "out_refund":
            corrected = self.corrected_line_id
            return corrected.balance * self.balance < 0 and bool(corrected._waiting_by_month())
        company = self.company_id
        return bool(
            self.move_id.is_sale_document() and company.deferral_account_id
            and self.deferred_start_date and self.deferred_end_date
            and self.account_id.internal_group == "income"
            and len(months.civil_months(self.deferred_start_date, self.deferred_end_date))
            >= company.deferral_min_months)

    def _revenue_by_month(self):
        """Compute what each civil month of the service earns, by the day.

        :return: list of (first day of the month, amount in company currency, income positive)
        """
        self.ensure_one()
        return months.spread(
            -self.balance, self.deferred_start_date, self.deferred_end_date,
            self.company_currency_id.rounding)

    def _waiting_by_month(self):
        """Sum what waits to be earned of an invoice line, less what credit notes took back of it.

        :return: dict of first day of the month to amount in company currency, zeros left out
        """
        waiting = {}
        # sudo: the books follow from the invoice, whoever posts its credit note
        lines = self.sudo()
        for share in (lines | lines.correcting_line_ids).revenue_deferral_ids:
            if share.state == "waiting":
                waiting[share.month] = waiting.get(share.month, 0.0) + share.amount
        currency = self.company_currency_id
        return {month: currency.round(amount) for month, amount in waiting.items()
                if not currency.is_zero(amount)}

    def _revenue_taken_back_by_month(self):
        """Compute what a credit note line takes back of the months that wait to be earned.

        Of each month it is the part of its days that are given back, times the part of their
        price that is. A credit note of all that is left leaves nothing, to the cent; what it
        gives back of months that are earned lowers revenue at once.

        :return: list of (first day of the month, amount in company currency, income negative)
        """
        self.ensure_one()
        corrected = self.corrected_line_id
        service = (corrected.deferred_start_date, corrected.deferred_end_date)
        given_back = (self.deferred_start_date, self.deferred_end_date)
        part, result = self._credited_part(), []
        for month, amount in sorted(corrected._waiting_by_month().items()):
            whole_month = (month, months.last_day(month))
            days = months.common_days(service, whole_month)
            credited = months.common_days(given_back, service, whole_month)
            taken = self.company_currency_id.round(-amount * part * credited / days)
            if taken:
                result.append((month, taken))
        return result

    def _credited_part(self):
        """Compute which part a credit note line gives back of what its days are still worth.

        In the currency of the invoice, whose rate may have changed since.

        :return: float from 0 to 1; exactly 1 when the rest is a matter of rounding
        """
        self.ensure_one()
        corrected, currency = self.corrected_line_id, self.currency_id
        given_back = (self.deferred_start_date, self.deferred_end_date)
        earlier = (corrected.correcting_line_ids - self).filtered(
            lambda line: line.parent_state == "posted" and line.deferred_end_date)
        worth = corrected._worth_of_days(given_back) - sum(
            line._worth_of_days(given_back) for line in earlier)
        rest = worth - abs(self.amount_currency)
        if currency != corrected.currency_id or rest <= currency.rounding * ROUNDING_UNITS:
            return 1.0
        return abs(self.amount_currency) / worth

    def _worth_of_days(self, days):
        """Compute the part of the line's amount that belongs to days of its service.

        :param tuple days: first and last one
        :return: float in the line's currency, positive
        """
        service = (self.deferred_start_date, self.deferred_end_date)
        return abs(self.amount_currency) * months.common_days(service, days) / (
            months.common_days(service))
