from odoo import models
from odoo.tools import format_date


class ResCurrency(models.Model):
    _inherit = "res.currency"

    def _missing_rate(self, company, day):
        """Say that the currency has no rate on a day for a company; None when it has one.

        Odoo takes the first rate there is for days before it, and without any books 1 to 1.

        :param date day: the last rate on it or before it is the one that counts
        """
        self.ensure_one()
        if self == company.currency_id:
            return None
        # sudo: whether there is one, for whoever is billed
        known = self.env["res.currency.rate"].sudo().search_count([
            ("currency_id", "=", self.id), ("name", "<=", day),
            ("company_id", "in", (False, company.root_id.id))], limit=1)
        return None if known else self.env._(
            "There is no exchange rate of %(currency)s on %(date)s: the documents would be booked "
            "as if it were worth as much as %(own)s. Add a rate in Accounting › Configuration › "
            "Currencies, then try again.", currency=self.name, own=company.currency_id.name,
            date=format_date(self.env, day))
