from odoo import models

from odoo.addons.month_closing.tools import cells, check, column, section, table


class MonthClosing(models.AbstractModel):
    _inherit = "month.closing"

    def _sections(self):
        """Insert credits behind deferred revenue: both stand on accounts 487."""
        sections = super()._sections()
        sections.insert(
            self._place_of("deferral", sections) + 1, ("credits", self._credit_section))
        return sections

    def _credit_section(self, period):
        """Compare credits owed with open lots, by customer, and wallets with their ledger."""
        lines = self.env["credit.reconciliation"]._compare(period.company, period.last)
        money = period.company.currency_id
        totals = [money.round(sum(line[name] for line in lines))
                  for name in ("account", "ledger", "drift")]
        rows = [
            cells(line["name"], line["credits"], line["account"], line["ledger"], line["drift"],
                  style="wrong" if line["drift"] else "", action=self._open_list(
                      line["name"], "credit.entry", [
                          ("company_id", "=", period.company.id),
                          ("partner_id", "child_of", line["partner_id"] or 0),
                          ("accounting_date", "<=", period.last)]))
            for line in sorted(lines, key=lambda line: not line["drift"])]
        if rows:
            rows.append(cells(self.env._("Total"), sum(line["credits"] for line in lines),
                              *totals, style="total"))
        return section("credits", self.env._("Credits and wallets (487)"), [
            self._credit_drift_check(period, lines, totals), self._credit_ledger_check(period),
            *self._credit_pending_check(period)], [
                table(self.env._("By customer, at the end of the month"), [
                    column(self.env._("Customer")), column(self.env._("Credits"), "whole"),
                    column(self.env._("On the account"), "money"),
                    column(self.env._("Open lots"), "money"),
                    column(self.env._("Difference"), "money")], rows)])

    def _credit_drift_check(self, period, lines, totals):
        """Say whether the account of credits owed is what open lots are worth."""
        drift = [line for line in lines if line["drift"]]
        strangers = self._credit_strangers(period)
        name = self.env._("Credits owed are what open lots are worth")
        if not drift and not strangers:
            return check("ok", name, amount=totals[0])
        return check(
            "wrong", name, count=len(drift) or len(strangers), amount=totals[2],
            details=self._entry_details(strangers) or [
                f"{line['name']}: {period.company.currency_id.format(line['drift'])}"
                for line in drift[:8]],
            remedy=self.env._(
                "The account of credits moves with the ledger only. Move entries by hand to "
                "another account, or reverse them."),
            action=strangers and self._open_records(
                self.env._("By hand on the account of credits"), strangers) or None)

    def _credit_strangers(self, period):
        """Return the items on the account of credits owed that no entry of the ledger made."""
        return self.env["account.move.line"].search([
            *period.until_end(), ("balance", "!=", 0),
            ("account_id", "=", period.company.credit_deferred_account_id.id or 0),
            ("credit_entry_id", "=", False), ("move_id.credit_entry_id", "=", False)])

    def _credit_ledger_check(self, period):
        """Say whether wallets, lots, entries and journal items agree now."""
        audit = self.env["credit.audit"]
        self.env.flush_all()
        found = [*audit._wallet_violations(period.company), *audit._lot_violations(period.company),
                 *audit._entry_violations(period.company),
                 *audit._journal_violations(period.company)]
        return check(
            "wrong" if found else "ok", self.env._("Wallets are what their ledger says"),
            count=len(found) or None, details=found[:8], remedy=found and self.env._(
                "Something was changed in the database from outside. Ask whoever runs it, with "
                "these lines."))

    def _credit_pending_check(self, period):
        """Say what was invoiced of packs that are not granted yet: they wait for their payment."""
        account = period.company.credit_pending_account_id
        waiting = self._sums([*period.until_end(), ("account_id", "in", account.ids)])
        amount = period.company.currency_id.round(waiting.get(account, 0.0))
        if amount:
            yield check(
                "info", self.env._("Packs invoiced whose credits wait for the payment"),
                amount=amount, action=self._open_items(account.display_name, [
                    *period.until_end(), ("account_id", "=", account.id)]))
