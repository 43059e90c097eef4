import re

from odoo import models
from odoo.tools import is_html_empty

# Of each chart: the account of goods that is its default, the one of services, and which codes
# are of goods. France: PCG art. 946-70; Belgium: its chart tells both apart at home and abroad.
ACCOUNTS = [
    ("pcg_707_account", "pcg_706", re.compile(r"707")),
    ("a7000", "a7001", re.compile(r"7000|7006(?!1)")),
]


class ResCompany(models.Model):
    _inherit = "res.company"

    # What a new service bears -----------------------------------------------------------------

    def _service_sale_taxes(self):
        """Return the taxes that a new service bears in these companies, one each at most."""
        # sudo: products are of all companies, and whoever makes one may not open the others
        return self.env["account.tax"].union(
            *(company._service_sale_tax() for company in self.sudo())).sudo(False)

    def _service_sale_tax(self):
        """Return the tax that a new service bears in the company, or none.

        Extension point: a company that is exempt from VAT has another.
        """
        self.ensure_one()
        tax = self.account_sale_tax_id or self.root_id.account_sale_tax_id
        return tax and tax._service_counterpart()

    def _service_purchase_taxes(self):
        """Return the taxes that a new service bears when these companies buy it."""
        taxes = self.env["account.tax"]
        for company in self.sudo():  # sudo: see _service_sale_taxes
            tax = company.account_purchase_tax_id or company.root_id.account_purchase_tax_id
            taxes |= tax and tax._service_counterpart()
        return taxes.sudo(False)

    def _service_income_account(self, default):
        """Return the account that services are sold on: 706 where goods go to 707.

        An account that somebody chose is kept; only the chart's own account of goods is replaced,
        which Odoo proposes in every category of products.

        :param default: ``account.account`` that the product would be sold on, or none
        """
        self.ensure_one()
        for goods, services, _codes in ACCOUNTS:
            account = self._service_chart_account(services)
            if account and default in (default.browse(), self._service_chart_account(goods)):
                return account
        return default

    def _service_chart_account(self, name):
        """Return an account of the company's chart by its name there, or none."""
        data, accounts = self.env["ir.model.data"], self.env["account.account"]
        for company in self | self.root_id:  # a branch has the accounts of its company
            # From the cache: an invoice asks this for each of its lines.
            found = data._xmlid_to_res_id(f"account.{company.id}_{name}")
            if account := accounts.browse(found or ()).filtered("active"):
                return account
        return accounts

    def _service_activate_taxes(self):
        """Offer the tax of services that stands for the default tax, where it is archived.

        The Belgian chart archives « 21 % S »; without it services are sold as goods, which a
        business of another member state sees as art. 138 of Directive 2006/112/EC.
        """
        for company in self.sudo():  # sudo: run by installations and by administrators
            for tax in company.account_sale_tax_id | company.account_purchase_tax_id:
                if tax._is_of_goods() and tax._service_counterpart() == tax:
                    tax.with_context(active_test=False)._service_counterpart().active = True

    # What would be wrong ----------------------------------------------------------------------

    def _service_tax_problems(self, taxes):
        """List what these taxes would print of services that they must not.

        Extension point.

        :param taxes: ``account.tax`` of the company, without groups
        :return: list of texts, each with its remedy
        """
        self.ensure_one()
        problems = [
            self.env._(
                "“%(tax)s” is a tax of goods: the invoice would say “goods”, and to a business of "
                "another member state “delivery, art. 138”. Take “%(service_tax)s”.",
                tax=tax.name, service_tax=self._service_remedy(tax).name)
            for tax in taxes.filtered(lambda tax: tax._is_of_goods())]
        return problems + [
            self.env._(
                "“%(tax)s” charges nothing and says no reason: the invoice would lack the article "
                "of law (CGI, annex II, art. 242 nonies A, I, 12°). Type it in the legal notes of "
                "the tax, or take “%(service_tax)s”.",
                tax=tax.name, service_tax=self._service_remedy(tax).name)
            for tax in taxes.filtered(self._service_is_silent)]

    def _service_remedy(self, tax):
        """Return the tax to name where another one is wrong."""
        counterpart = tax._service_counterpart()
        return counterpart if counterpart != tax else self._service_sale_tax() or tax

    def _service_is_silent(self, tax):
        """Tell whether the tax charges nothing and the invoice would not say why.

        Extension point: the company may have a mention of its own.
        """
        self.ensure_one()
        return (tax.amount_type in ("percent", "fixed", "division") and not tax.amount
                and is_html_empty(tax.invoice_legal_notes))

    def _service_is_of_goods(self, account):
        """Tell whether an account is one of goods in the company's chart."""
        self.ensure_one()
        code = account.with_company(self).code or ""
        return any(
            codes.match(code) and self._service_chart_account(services)
            for _goods, services, codes in ACCOUNTS)

    def _service_account_problems(self, accounts):
        """List which of these accounts are no accounts of services; see the taxes' problems."""
        self.ensure_one()
        return [
            self.env._(
                "“%(account)s” is an account of goods: services go to “%(service_account)s”.",
                account=self._service_account_label(account),
                service_account=self._service_account_label(self._service_own_account()))
            for account in accounts if self._service_is_of_goods(account)]

    def _service_account_label(self, account):
        """Write an account with its code in the company: « 706000 Prestations de services »."""
        account = account.with_company(self)
        return f"{account.code or ''} {account.name or ''}".strip()

    def _service_own_account(self):
        """Return the account of services of the company's chart."""
        self.ensure_one()
        for _goods, services, _codes in ACCOUNTS:
            if account := self._service_chart_account(services):
                return account
        return self.income_account_id
