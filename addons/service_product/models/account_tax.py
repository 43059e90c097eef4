from odoo import models

# Scopes of what is no service; the last two are those of Belgium.
GOODS = {"consu", "merch", "invest"}


class AccountTax(models.Model):
    _inherit = "account.tax"

    def _service_counterpart(self):
        """Return the tax that stands for this one on services, or this one if there is none.

        It has the same rate, includes or excludes the price alike and is of the same fiscal
        positions. In the French chart « 20 % S » stands for « 20 % G »: it falls due when it is
        paid (CGI, art. 269, 2, c), and to a business of another member state its place is taken
        by the reverse charge of services (art. 283-2), not by the delivery of goods of art. 138
        of Directive 2006/112/EC.
        """
        self.ensure_one()
        if self.tax_scope == "service":
            return self
        found = self.search([
            ("company_id", "=", self.company_id.id), ("tax_scope", "=", "service"),
            ("type_tax_use", "=", self.type_tax_use), ("amount", "=", self.amount),
            ("amount_type", "=", self.amount_type), ("country_id", "=", self.country_id.id),
            ("price_include_override", "=", self.price_include_override)])
        positions = self.fiscal_position_ids
        return found.filtered(
            lambda tax: not positions or positions & tax.fiscal_position_ids)[:1] or self

    def _is_of_goods(self):
        """Tell whether the tax is one of goods, or becomes one in another country."""
        self.ensure_one()
        return bool(GOODS & {*(self | self.replacing_tax_ids).mapped("tax_scope")})
