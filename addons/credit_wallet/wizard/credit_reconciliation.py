from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL, format_date


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
