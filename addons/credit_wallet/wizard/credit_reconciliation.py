import io
from collections import defaultdict

import xlsxwriter

from odoo import api, fields, models
from odoo.tools import SQL, format_date

from odoo.addons.concurrency_base.tools import safe_cell


class CreditReconciliation(models.TransientModel):
    """A comparison of credits owed in the books with open lots, by customer, at any day's end."""

    _name = "credit.reconciliation"
    _description = "Reconciliation of Credits"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related="company_id.currency_id")
    date = fields.Date(
        required=True, default=lambda self: self.env.company._credit_today(),
        help="The end of this civil day, in the timezone of the company.")
    line_ids = fields.One2many(
        "credit.reconciliation.line", "reconciliation_id", compute="_compute_line_ids",
        store=True)
    credits = fields.Integer(compute="_compute_totals")
    ledger = fields.Monetary(compute="_compute_totals", string="Open lots")
    account = fields.Monetary(compute="_compute_totals", string="Credits owed (account)")
    drift_count = fields.Integer(compute="_compute_totals", string="Customers with a drift")

    @api.depends("company_id", "date")
    def _compute_line_ids(self):
        for report in self:
            lines = report._compare(report.company_id, report.date)
            report.line_ids = [fields.Command.clear()] + [
                fields.Command.create(
                    {key: value for key, value in line.items() if key != "name"})
                for line in lines]

    @api.depends("line_ids")
    def _compute_totals(self):
        for report in self:
            report.credits = sum(report.line_ids.mapped("credits"))
            report.ledger = sum(report.line_ids.mapped("ledger"))
            report.account = sum(report.line_ids.mapped("account"))
            report.drift_count = len(report.line_ids.filtered("drift"))

    @api.depends("date", "company_id")
    def _compute_display_name(self):
        for report in self:
            report.display_name = self.env._(
                "Reconciliation of credits — %(date)s",
                date=format_date(report.env, report.date))

    # Both sides ---------------------------------------------------------------------------

    @api.model
    def _compare(self, company, date):
        """Return the two sides for each customer who has credits, a balance or a drift.

        :param date: end of this civil day; None for everything posted so far
        :return: list of dict: partner_id, name, credits, ledger, account, drift (company
            currency), by name
        """
        self.env.flush_all()
        ledger = self._ledger_side(company, date)
        account = self._account_side(company, date)
        # sudo: an accountant sees every customer of the report, archived or private
        partners = self.env["res.partner"].sudo().browse(
            filter(None, ledger.keys() | account.keys()))
        names = {partner.id: partner.display_name for partner in partners}
        lines = []
        for partner_id in ledger.keys() | account.keys():
            credits, value = ledger[partner_id]
            value = company.currency_id.round(value)
            balance = company.currency_id.round(account[partner_id])
            if credits or value or balance:
                lines.append({
                    "partner_id": partner_id, "credits": credits, "ledger": value,
                    "account": balance, "drift": company.currency_id.round(balance - value),
                    "name": names.get(partner_id) or self.env._("No customer")})
        return sorted(lines, key=lambda line: line["name"])

    @api.model
    def _ledger_side(self, company, date):
        """Sum credits and value of open lots by commercial partner, replayed from the ledger."""
        rows = self.env.execute_query(SQL(
            """
            SELECT partner.commercial_partner_id, SUM(move.credits), SUM(move.value)
              FROM credit_lot_move move
              JOIN credit_entry entry ON entry.id = move.entry_id
              JOIN res_partner partner ON partner.id = entry.partner_id
             WHERE entry.company_id = %s %s
             GROUP BY partner.commercial_partner_id""",
            company.id,
            SQL("AND entry.accounting_date <= %s", date) if date else SQL()))
        return defaultdict(lambda: (0, 0.0), {
            partner_id: (int(credits), float(value or 0.0))
            for partner_id, credits, value in rows})

    @api.model
    def _account_side(self, company, date):
        """Sum the credit balance of the deferred account by commercial partner, posted items."""
        rows = self.env.execute_query(SQL(
            """
            SELECT partner.commercial_partner_id, -SUM(line.balance)
              FROM account_move_line line
              LEFT JOIN res_partner partner ON partner.id = line.partner_id
             WHERE line.company_id = %s AND line.account_id = %s
                   AND line.parent_state = 'posted' %s
             GROUP BY partner.commercial_partner_id""",
            company.id, company.credit_deferred_account_id.id or None,
            SQL("AND line.date <= %s", date) if date else SQL()))
        return defaultdict(float, {
            partner_id: float(balance) for partner_id, balance in rows})

    # Outputs ------------------------------------------------------------------------------

    def action_print_pdf(self):
        """Print the report as a PDF."""
        self.ensure_one()
        return self.env.ref(
            "credit_wallet.action_report_credit_reconciliation").report_action(self)

    def action_export_xlsx(self):
        """Download the report as a workbook."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "target": "download",
                "url": f"/credits/reconciliation/{self.id}.xlsx"}

    def _xlsx(self):
        """Build the report as a workbook, with the drift as a live formula.

        :return: bytes
        """
        self.ensure_one()
        output = io.BytesIO()
        workbook = xlsxwriter.Workbook(output, {"in_memory": True})
        sheet = workbook.add_worksheet(self.env._("Reconciliation"))
        bold = workbook.add_format({"bold": True, "bottom": 1})
        money = workbook.add_format({"num_format": "#,##0.00"})
        total = workbook.add_format({"num_format": "#,##0.00", "bold": True, "top": 1})
        red = workbook.add_format({"font_color": "#9C0006", "bg_color": "#FFC7CE"})
        sheet.write_string(
            0, 0, safe_cell(self.display_name), workbook.add_format({"bold": True}))
        sheet.write_string(1, 0, safe_cell(f"{self.company_id.name} ({self.currency_id.name})"))
        sheet.write_row(3, 0, [
            self.env._("Customer"), self.env._("Credits"), self.env._("Credits owed (account)"),
            self.env._("Open lots"), self.env._("Drift")], bold)
        sheet.set_column(0, 0, 40)
        sheet.set_column(1, 4, 18)
        for row, line in enumerate(self.line_ids, start=4):
            sheet.write_string(
                row, 0, safe_cell(line.partner_id.display_name or self.env._("No customer")))
            sheet.write_number(row, 1, line.credits)
            sheet.write_number(row, 2, line.account, money)
            sheet.write_number(row, 3, line.ledger, money)
            sheet.write_formula(
                row, 4, f"=ROUND(C{row + 1}-D{row + 1},2)", money, line.drift)
        last = 4 + len(self.line_ids)
        sheet.write_string(last, 0, self.env._("Total"), total)
        sums = (self.credits, self.account, self.ledger, self.account - self.ledger)
        for column, amount in enumerate(sums, start=1):
            letter = "ABCDE"[column]
            sheet.write_formula(
                last, column, f"=SUM({letter}5:{letter}{max(last, 5)})", total, amount)
        sheet.conditional_format(4, 4, last, 4, {
            "type": "cell", "criteria": "!=", "value": 0, "format": red})
        sheet.freeze_panes(4, 1)
        workbook.close()
        return output.getvalue()
