import re
from collections import defaultdict

from odoo import models
from odoo.tools import float_round
from odoo.tools.safe_eval import safe_eval

from ..tools import cells, check, column, section, table

TERM = re.compile(r"[A-Za-z]\w*\.\w+")
CONDITION = re.compile(r"if(?:_other_expr)?_above\((?:(?P<other>[\w.]+), *)?EUR\(0\)\)")


class MonthClosing(models.AbstractModel):
    """The lines of the French return (CA3), and those of the One Stop Shop.

    The form, its boxes and formulas are those of Odoo's French tax report, which Community has
    without a screen to read it.
    """

    _inherit = "month.closing"

    # CA3 ----------------------------------------------------------------------------------------

    def _return_section(self, period):
        """Return the lines of the CA3 that hold something, in the order of the form."""
        name = self.env._("VAT return (CA3)")
        report = self.env.ref("l10n_fr_account.tax_report", raise_if_not_found=False)
        if not report or period.company.account_fiscal_country_id.code != "FR":
            return section("ca3", name, [check("info", self.env._(
                "The CA3 is the return of companies whose VAT is French."))])
        amounts = ReturnAmounts(self, period, report)
        rows = []
        for line in report.line_ids:
            rows += self._return_rows(line, amounts)
        due, credit = amounts.of("box_28.balance"), amounts.of("box_27.balance")
        summary = check(
            "info", self.env._("Net VAT due (line 28)") if due or not credit
            else self.env._("Credit to carry over (line 27)"), amount=due or credit,
            remedy=self.env._(
                "Add the credit of the month before (line 22), which the books do not tell."))
        below = [check(
            "todo", self.env._("Below zero: %(line)s", line=line.name), amount=amount,
            remedy=self.env._(
                "The form takes nothing below zero: credit notes exceed sales. Deduct its VAT by "
                "hand (line 21), or the next month."))
                 for line, amount in amounts.below.items()]
        return section("ca3", name, [summary, *below], [table(
            self.env._("Lines to copy, in whole euros"), [
                column(self.env._("Line")), column(self.env._("Amount"), "whole")],
            _without_empty_headings(rows))])

    def _return_rows(self, line, amounts):
        """Yield a line of the form and its row: a heading, an amount, or nothing."""
        value = amounts.of(f"{line.code}.balance") if line.code else 0.0
        if not line.code and line.children_ids:
            yield line, cells(line.name, None, style="heading")
        elif value:
            yield line, cells(
                line.name, value, style="total" if line.code in TOTALS else "",
                action=amounts.action(line))

    # One Stop Shop ------------------------------------------------------------------------------

    def _oss_section(self, period):
        """Return the month's part of the One Stop Shop, by member state and rate.

        The return is quarterly (VAT Directive 2006/112/EC, art. 364 and 369f): the quarter so far
        stands beside the month.
        """
        name = self.env._("One Stop Shop (OSS)")
        month, quarter = self._oss_sums(period, period.first), self._oss_sums(
            period, period.quarter_start)
        money = period.company.currency_id
        rows = [
            cells(country.name or "", tax.amount, *(money.round(sums[country, tax][side])
                  for sums, side in ((month, 0), (month, 1), (quarter, 0), (quarter, 1))),
                  action=self._open_items(tax.name, [
                      *self._due_domain(period), "|", ("tax_line_id", "=", tax.id),
                      ("tax_ids", "in", tax.ids)]))
            for country, tax in sorted(
                quarter, key=lambda key: (key[0].name or "", -key[1].amount))]
        if rows:
            rows.append(cells(self.env._("Total"), None, *(
                money.round(sum(row["cells"][place] for row in rows)) for place in range(2, 6)),
                style="total"))
        return section("oss", name, [self._oss_check(period, month)], [table(
            self.env._("By member state and rate"), [
                column(self.env._("Member state")), column(self.env._("Rate"), "rate"),
                column(self.env._("Base"), "money"), column(self.env._("VAT"), "money"),
                column(self.env._("Base, quarter so far"), "money"),
                column(self.env._("VAT, quarter so far"), "money")], rows)])

    def _oss_sums(self, period, first):
        """Sum base and VAT under the One Stop Shop from a day to the end of the month.

        :return: dict of (country, tax) to [base, VAT]
        """
        sums = defaultdict(lambda: [0.0, 0.0])
        domain = [*period.until_end(), ("date", ">=", first),
                  *self.env["account.move.line"]._get_tax_exigible_domain()]
        for side, field in enumerate(("tax_ids", "tax_line_id")):
            for tax, partner, balance in self.env["account.move.line"]._read_group(
                    [*domain, (f"{field}.invoice_repartition_line_ids.tag_ids", "in",
                               self.env.ref("l10n_eu_oss.tag_oss").ids)],
                    [field, "partner_id"], ["balance:sum"]):
                if self._is_oss(tax):
                    sums[self._vat_country(period, tax, partner), tax][side] -= balance
        return sums

    def _oss_check(self, period, month):
        if month and not period.company.oss_registered:
            return check(
                "todo", self.env._("VAT of other member states without a registration"),
                amount=sum(vat for _base, vat in month.values()), remedy=self.env._(
                    "Tick “One Stop Shop” in the settings of Invoicing once you are registered."))
        return check(
            "ok" if month else "info",
            self.env._("VAT of other member states this month") if month
            else self.env._("Nothing to declare this month"),
            amount=sum(vat for _base, vat in month.values()) if month else None)


TOTALS = ("box_16", "box_23", "box_25", "box_TD", "box_27", "box_28", "box_32")


class ReturnAmounts:
    """The amounts of the form's boxes: sums of tagged items, and what its formulas make of them.

    :param closing: ``month.closing``
    :param period: the month
    :param report: ``account.report``
    """

    def __init__(self, closing, period, report):
        self.closing = closing
        self.period = period
        self.domain = closing._due_domain(period)
        self.expressions = {
            f"{line.code}.{expression.label}": expression
            for line in report.line_ids if line.code for expression in line.expression_ids}
        self.known = {}
        self.below = {}  # lines that the form makes 0, and what they would be
        self.balances = {
            tag.name: balance for tag, balance in closing.with_context(lang="en_US").env[
                "account.move.line"]._read_group(
                [*self.domain, ("tax_tag_ids.country_id", "=", report.country_id.id)],
                ["tax_tag_ids"], ["balance:sum"]) if tag.country_id == report.country_id}

    def of(self, term):
        """Return the amount of a box, such as ``box_A1.balance``; 0.0 for what nobody typed."""
        if term not in self.known:
            self.known[term] = 0.0  # a form that refers to itself ends there
            expression = self.expressions.get(term)
            self.known[term] = self._compute(expression) if expression else 0.0
        return self.known[term]

    def _compute(self, expression):
        if expression.engine == "tax_tags":
            balance = self.balances.get(expression.formula.lstrip("-"), 0.0)
            return -balance if expression.formula.startswith("-") else balance
        if expression.engine != "aggregation":
            return 0.0  # typed by hand in the form: adjustments, credit asked back
        value = safe_eval(TERM.sub(
            lambda term: repr(self.of(term[0])), expression.formula.replace("\n", " ")))
        subformula = expression.subformula or ""
        if subformula == "round(0)":
            return float_round(value, precision_digits=0)
        if condition := CONDITION.fullmatch(subformula):
            decides = self.of(condition["other"]) if condition["other"] else value
            line = expression.report_line_id
            if decides <= 0 and value < 0 and line.code not in TOTALS:
                self.below[line] = value
            return value if decides > 0 else 0.0
        return value

    def action(self, line):
        """Return the list of the items in a box, None for a box that is only computed."""
        tags = line.expression_ids.filtered(
            lambda expression: expression.engine == "tax_tags")._get_matching_tags()
        return self.closing._open_items(line.name, [
            *self.domain, ("tax_tag_ids", "in", tags.ids)]) if tags else None


def _without_empty_headings(rows):
    """Leave out the headings below which nothing is, or only a total of the whole form: Odoo puts
    line 16 below imports.

    :param rows: list of (``account.report.line``, row)
    :return: list of rows
    """
    above = set()
    for line, row in rows:
        while not row["style"] and line.parent_id:
            line = line.parent_id
            above.add(line)
    return [row for line, row in rows if row["style"] != "heading" or line in above]
