from odoo import fields, models

from ..tools import months


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    # The names Odoo's electronic invoices look for: the line's billing period (BG-26).
    deferred_start_date = fields.Date(
        string="Service from", help="First day of the service.")
    deferred_end_date = fields.Date(
        string="Service until", help="Last day of the service; its price is spread over the "
        "civil months when it lasts long enough.")
    revenue_deferral_ids = fields.One2many("revenue.deferral", "line_id", readonly=True)

    _deferred_dates_in_order = models.Constraint(
        "CHECK(deferred_start_date <= deferred_end_date)",
        "A service ends after it started: correct the dates of the line.")

    def _is_spread(self):
        """Whether the line's price is revenue of several civil months."""
        self.ensure_one()
        company = self.company_id
        return (
            self.display_type == "product" and self.move_id.is_sale_document()
            and self.deferred_start_date and self.deferred_end_date
            and self.account_id.internal_group == "income"
            and not self.company_currency_id.is_zero(self.balance)
            and bool(company.deferral_account_id)
            and len(months.of(self.deferred_start_date, self.deferred_end_date))
            >= company.deferral_min_months)

    def _revenue_by_month(self):
        """What each civil month of the service earns, by the day, in company currency.

        :return: list of (first day of the month, amount), an income positive
        """
        self.ensure_one()
        return months.spread(
            -self.balance, self.deferred_start_date, self.deferred_end_date,
            self.company_currency_id.rounding)
