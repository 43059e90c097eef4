from odoo import models

# Parameter: ids of the companies whose check of VIES was switched on by this addon.
VIES_COMPANIES = "legal_invoice.vies_companies"


class ResCompany(models.Model):
    """Services: the part of ``res.company`` that keeps them in step with the VAT regime."""

    _inherit = "res.company"

    # What a new service bears -----------------------------------------------------------------

    def _service_sale_tax(self):
        """Return the tax without VAT of a company that is exempt."""
        if self._legal_is_exempt():
            return self._legal_exempt_tax() or super()._service_sale_tax()
        return super()._service_sale_tax()

    def _legal_is_exempt(self):
        """Tell whether the company charges no VAT (CGI, art. 261-4-4° or 293 B)."""
        self.ensure_one()
        return self._legal_is_french() and self.legal_vat_regime != "normal"

    def _legal_exempt_tax(self):
        """Return the tax without VAT that services of an exempt company bear, or none.

        Extension point.
        """
        chart = self.env["account.chart.template"].with_company(self)
        tax = chart.ref("tva_sale_service_0", raise_if_not_found=False) or self.env["account.tax"]
        return tax.filtered("active")

    # What would be wrong ----------------------------------------------------------------------

    def _service_is_silent(self, tax):
        """Count the mention of the company, which is printed of taxes that have none."""
        return super()._service_is_silent(tax) and not (
            self._legal_is_french() and self._legal_exemption())

    def _service_tax_problems(self, taxes):
        """Add VAT that a small business must not charge (CGI, art. 293 B and 293 E)."""
        problems = super()._service_tax_problems(taxes)
        if self._legal_is_exempt() and self.legal_vat_regime == "franchise":
            problems += [self.env._(
                "“%(tax)s” charges VAT, and %(company)s charges none (CGI, art. 293 B): whoever "
                "writes VAT on an invoice owes it (art. 283-3). Take “%(service_tax)s”.",
                tax=tax.name, company=self.name, service_tax=self._service_sale_tax().name)
                for tax in taxes.filtered(lambda tax: tax.amount and not tax._is_of_goods())]
        return problems

    def _legal_advice(self):
        """List what is worth a look before invoices go out, and takes a while to find out.

        Extension point: add items of one's own.

        :return: list of dicts, as :meth:`_legal_checklist` returns
        """
        self.ensure_one()
        items = [{
            "code": "services", "done": not self._legal_wrong_services(), "required": False,
            "name": self.env._("the taxes and the account of its services"),
            "source": "CGI, annexe II, art. 242 nonies A, I, 8° bis, 11° et 12°"}]
        if self._legal_is_french():
            items.append({
                "code": "vies", "done": self.vat_check_vies, "required": False,
                "name": self.env._("the check of customers’ VAT numbers with VIES"),
                "source": "CGI, art. 283-2 ; règlement (UE) 282/2011, art. 18"})
        return items

    def _legal_wrong_services(self):
        """Find the services whose invoices would print something wrong."""
        self.ensure_one()
        # sudo: what is wrong with products that the user may not open counts, too
        products = self.env["product.template"].sudo().search([
            ("type", "=", "service"), ("company_id", "in", (False, self.id))])
        return products.filtered(lambda product: product._service_problems(self)).sudo(False)

    # VIES -------------------------------------------------------------------------------------

    def write(self, vals):
        """Have VIES asked about the numbers that are there when the check is switched on."""
        off = self.filtered(lambda company: not company.vat_check_vies)
        result = super().write(vals)
        if vals.get("vat_check_vies") and off:
            # sudo: the customers that there are, whoever switches the check on
            self.env["vies.answer"].sudo()._queue_unasked(off.account_fiscal_country_id)
        return result

    def _legal_switch_vies_on(self):
        """Have VIES asked about these companies' customers, and remember it was us.

        Without an answer a sale to a business of another member state goes out without VAT on
        the word of whoever typed the number (CGI, art. 283-2; Implementing Regulation (EU)
        282/2011, art. 18(1)).
        """
        companies = self.sudo().filtered(lambda company: not company.vat_check_vies)
        if not companies:
            return
        companies.vat_check_vies = True
        parameters = self.env["ir.config_parameter"].sudo()  # sudo: kept for the uninstallation
        known = (parameters.get_param(VIES_COMPANIES) or "").split(",")
        parameters.set_param(VIES_COMPANIES, ",".join(
            sorted({*filter(None, known), *map(str, companies.ids)}, key=int)))
