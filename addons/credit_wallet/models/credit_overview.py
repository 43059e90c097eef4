from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import date_utils, format_date

MONTHS = 12
DAYS_AHEAD = 30
TOP_CUSTOMERS = 5


class CreditOverview(models.AbstractModel):
    """The figures of the first page of the Credits app, for the user's current company."""

    _name = "credit.overview"
    _description = "Overview of Credits"

    @api.model
    def get_overview(self):
        """Return what is owed, what expires soon, and what was used, by month and by customer.

        Credits used are bookings less their refunds. The number of queries is constant.

        :return: dict for the client action ``credit_wallet.overview``
        :raise AccessError: neither a user of credits nor an accountant
        """
        self.env["credit.entry"]._check_export_access()
        company = self.env.company
        today = company._credit_today()
        horizon = today + timedelta(days=DAYS_AHEAD)
        open_lots = [("company_id", "=", company.id), ("remaining", ">", 0)]
        expiring = [*open_lots, ("expiry_date", ">=", today), ("expiry_date", "<=", horizon)]
        credits, value, customers = self._lot_totals(open_lots)
        expiring_credits, expiring_value, expiring_customers = self._lot_totals(expiring)
        return {
            "currency_id": company.currency_id.id,
            "outstanding": {
                "credits": credits, "value": value, "customers": customers,
                "domain": [("company_id", "=", company.id), ("balance", ">", 0)]},
            "owed": {"value": value, "domain": open_lots},
            "expiring": {
                "credits": expiring_credits, "value": expiring_value,
                "customers": expiring_customers, "days": DAYS_AHEAD,
                "domain": [*open_lots, ("expiry_date", ">=", fields.Date.to_string(today)),
                           ("expiry_date", "<=", fields.Date.to_string(horizon))]},
            **self._consumption(company, today),
        }

    def _lot_totals(self, domain):
        """Sum the credits left, their value, and the number of customers, over some lots."""
        (totals,) = self.env["credit.lot"]._read_group(
            domain, [], ["remaining:sum", "value_remaining:sum", "partner_id:count_distinct"])
        return tuple(total or 0 for total in totals)

    def _consumption(self, company, today):
        """Sum the credits used in each of the last months, and by the customers who used most."""
        entries = self.env["credit.entry"]
        first = date_utils.start_of(today, "month") - relativedelta(months=MONTHS - 1)
        domain = [("company_id", "=", company.id), ("kind", "in", ["booking", "refund"]),
                  ("date", ">=", fields.Date.to_string(first))]
        used = {
            fields.Date.to_date(month): -credits for month, credits in entries._read_group(
                domain, ["date:month"], ["credits:sum"])}
        months = [first + relativedelta(months=number) for number in range(MONTHS)]
        top = entries._read_group(
            domain, ["partner_id"], ["credits:sum"], order="credits:sum asc",
            limit=TOP_CUSTOMERS)
        return {
            "used": {
                "credits": sum(used.get(month, 0) for month in months), "domain": domain,
                "months": [
                    {"label": format_date(self.env, month, date_format="MMM yyyy"),
                     "credits": used.get(month, 0)} for month in months]},
            "top": [
                {"id": partner.id, "name": partner.display_name, "credits": -credits}
                for partner, credits in top if credits < 0],
        }
