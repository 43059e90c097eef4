from collections import defaultdict

from odoo import models
from odoo.tools import float_compare

from ..tools import cells, check, column, section, table

TOLERANCE = 0.01  # euro a line: what rounding may make of a tax (EN 16931, BR-CO-17)


class MonthClosing(models.AbstractModel):
    """VAT of the month by regime, country and rate, as it falls due."""

    _inherit = "month.closing"

    def _vat_section(self, period):
        """Return VAT by regime, country and rate, beside the accounts it stands on."""
        bases, taxes = self._vat_bases(period), self._vat_amounts(period)
        accounts_checks, accounts = self._vat_accounts(period)
        checks = [*accounts_checks, self._vat_rate_check(period, bases, taxes),
                  *self._vat_setup_checks(period, bases)]
        return section("vat", self.env._("VAT"), checks, [
            self._vat_table(period, bases, taxes), accounts])

    def _due_domain(self, period):
        """Return the domain of the items whose VAT falls due in the month.

        Odoo's own, of its tax report: VAT of services is due when they are paid (CGI art. 269, 2).
        """
        return [*period.posted(), *self.env["account.move.line"]._get_tax_exigible_domain()]

    def _vat_bases(self, period):
        """Sum what is taxed, by tax and customer's or supplier's country.

        :return: dict of (tax, country) to (amount, number of items); credits are positive
        """
        sums = defaultdict(lambda: (0.0, 0))
        for tax, partner, balance, number in self.env["account.move.line"]._read_group(
                [*self._due_domain(period), ("tax_ids", "!=", False)],
                ["tax_ids", "partner_id"], ["balance:sum", "__count"]):
            for each in tax.flatten_taxes_hierarchy():
                key = each, self._vat_country(period, each, partner)
                sums[key] = sums[key][0] - balance, sums[key][1] + number
        return sums

    def _vat_amounts(self, period):
        """Sum VAT by tax and country; see :meth:`_vat_bases`.

        :return: dict of (tax, country) to amount; credits are positive
        """
        sums = defaultdict(float)
        for tax, partner, balance in self.env["account.move.line"]._read_group(
                [*self._due_domain(period), ("tax_line_id", "!=", False)],
                ["tax_line_id", "partner_id"], ["balance:sum"]):
            sums[tax, self._vat_country(period, tax, partner)] -= balance
        return sums

    def _vat_country(self, period, tax, partner):
        """Return the country whose VAT it is under the One Stop Shop, else the partner's."""
        if self._is_oss(tax):
            return tax.fiscal_position_ids.country_id[:1] or partner.country_id
        return partner.country_id or period.company.account_fiscal_country_id

    def _is_oss(self, tax):
        """Tell whether a tax is declared through the One Stop Shop."""
        return self.env.ref("l10n_eu_oss.tag_oss") in tax.invoice_repartition_line_ids.tag_ids

    def _vat_regime(self, tax):
        """Say in a few words by what rule a tax is due.

        :return: (order on the page, translated text)
        """
        signs = {line.factor_percent > 0 for line in tax.invoice_repartition_line_ids
                 if line.repartition_type == "tax" and line.factor_percent}
        if tax.type_tax_use == "purchase":
            return (9, self.env._("Purchases, self-assessed")) if len(signs) > 1 else (
                8, self.env._("Purchases, deductible"))
        if self._is_oss(tax):
            return 3, self.env._("One Stop Shop (OSS)")
        if tax.amount:
            return (1, self.env._("Sales, due when paid")) if tax.tax_exigibility == "on_payment" \
                else (2, self.env._("Sales, due when invoiced"))
        return {
            "AE": (4, self.env._("Reverse charge")),
            "K": (5, self.env._("Intra-Community supplies")),
            "G": (6, self.env._("Exports")), "O": (6, self.env._("Outside French VAT")),
        }.get(tax.ubl_cii_tax_category_code, (7, self.env._("Exempt or without VAT")))

    def _vat_table(self, period, bases, taxes):
        """Return a row for each regime, country and rate, and what all come to."""
        round_ = period.company.currency_id.round
        rows, totals = [], defaultdict(lambda: [0.0, 0.0])

        def place(key):
            tax, country = key
            return (*self._vat_regime(tax), country.name or "", -tax.amount, tax.id)

        for key in sorted(bases.keys() | taxes.keys(), key=place):
            tax, country = key
            base, due = bases[key][0] if key in bases else 0.0, taxes.get(key, 0.0)
            if tax.type_tax_use == "purchase":
                base, due = -base, -due
            totals[tax.type_tax_use][0] += base
            totals[tax.type_tax_use][1] += due
            rows.append(cells(
                self._vat_regime(tax)[1], country.name or "", tax.amount, tax.name,
                round_(base), round_(due), action=self._open_items(tax.name, [
                    *self._due_domain(period), "|", ("tax_line_id", "=", tax.id),
                    ("tax_ids", "in", tax.ids)])))
        names = {"sale": self.env._("Sales"), "purchase": self.env._("Purchases")}
        rows += [cells(names[use], "", None, "", *map(round_, totals[use]), style="total")
                 for use in names if use in totals]
        return table(
            self.env._("VAT that falls due, by regime, country and rate"), [
                column(self.env._("Regime")), column(self.env._("Country")),
                column(self.env._("Rate"), "rate"), column(self.env._("Tax")),
                column(self.env._("Base"), "money"), column(self.env._("VAT"), "money")], rows)

    # Checks -------------------------------------------------------------------------------------

    def _vat_rate_check(self, period, bases, taxes):
        """Compare the VAT of sales with what its bases make at its rate."""
        wrong, gap = [], 0.0
        by_tax, number = defaultdict(lambda: [0.0, 0.0]), defaultdict(int)
        for (tax, _country), (base, count) in bases.items():
            by_tax[tax][0] += base
            number[tax] += count
        for (tax, _country), amount in taxes.items():
            by_tax[tax][1] += amount
        money = period.company.currency_id
        for tax, (base, amount) in by_tax.items():
            rated = tax.type_tax_use == "sale" and tax.amount_type == "percent"
            gap_here = money.round(amount - base * tax.amount / 100) if rated else 0.0
            if float_compare(abs(gap_here), TOLERANCE * max(1, number[tax]), 2) > 0:
                gap += gap_here
                wrong.append(self.env._(
                    "%(tax)s: base %(base)s, VAT %(vat)s, %(gap)s apart", tax=tax.name,
                    base=money.format(base), vat=money.format(amount), gap=money.format(gap_here)))
        return check(
            "todo" if wrong else "ok", self.env._("VAT of sales is its base times its rate"),
            count=len(wrong) or None, amount=gap or None, details=wrong,
            remedy=wrong and self.env._(
                "Look for entries by hand with a VAT account and without a tax, or for a rate that "
                "was changed."))

    def _vat_setup_checks(self, period, bases):
        """List taxes that were used and would print or declare something wrong."""
        used = self.env["account.tax"].union(*(tax for tax, _country in bases))
        silent = used.filtered(
            lambda tax: tax.type_tax_use == "sale" and not tax.amount
            and not tax.invoice_legal_notes)
        if silent:
            yield check(
                "todo", self.env._("Zero-rate taxes without the mention that the law asks for"),
                count=len(silent), details=silent.mapped("name"), remedy=self.env._(
                    "Type the ground (article of the CGI or of the directive) in “Legal Notes” of "
                    "the tax."),
                action=self._open_records(self.env._("Taxes"), silent))
        untagged = self.env["account.move.line"].search([
            *self._due_domain(period), ("tax_line_id", "!=", False), ("balance", "!=", 0),
            ("tax_tag_ids", "=", False)])
        if untagged:
            yield check(
                "todo", self.env._("VAT that stands on no line of a return"), count=len(untagged),
                amount=-sum(untagged.mapped("balance")), details=self._entry_details(untagged),
                remedy=self.env._(
                    "Give the tax its grids (“Tax Grids” of its distribution), or add these "
                    "amounts to the return by hand."),
                action=self._open_records(self.env._("VAT without a line"), untagged))
