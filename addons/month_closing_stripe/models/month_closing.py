from odoo import models
from odoo.tools import format_datetime

from odoo.addons.month_closing.tools import cells, check, column, section, table

TOTALS = ("closing", "closing_here")
AMOUNTS = ("opening", "payments", "refunds", "disputes", "fees", "payouts", "others", "closing",
           "closing_here", "difference")


class MonthClosing(models.AbstractModel):
    _inherit = "month.closing"

    def _sections(self):
        """Insert Stripe before the documents to finish."""
        sections = super()._sections()
        sections.insert(self._place_of("documents", sections), ("stripe", self._stripe_section))
        return sections

    def _stripe_section(self, period):
        """Return the month's statements of Stripe: its balance, fees and payouts."""
        name = self.env._("Stripe, bank and fees")
        providers = self.env["payment.provider"].search([
            ("code", "=", "stripe"), ("state", "!=", "disabled"),
            ("company_id", "=", period.company.id)])
        statements = self.env["stripe.statement"].search([
            ("company_id", "=", period.company.id), ("month", "=", period.first)])
        if not providers and not statements:
            return section("stripe", name, [check("info", self.env._("Stripe is not used"))])
        checks = [
            *map(self._stripe_check, statements),
            *(self._stripe_missing_check(period, provider)
              for provider in providers - statements.provider_id),
            *self._stripe_difference_check(period), *self._stripe_transfer_check(period)]
        return section("stripe", name, checks, [
            self._stripe_table(statement) for statement in statements if statement.fetched_at])

    def _stripe_table(self, statement):
        """Return the lines of a statement, in its own currency."""
        own = statement.currency_id == statement.company_id.currency_id
        labels = statement.fields_get(AMOUNTS)
        rows = [
            cells(labels[each]["string"],
                  statement[each] if own else statement.currency_id.format(statement[each]),
                  style="total" if each in TOTALS else
                  "wrong" if each == "difference" and statement[each] else "",
                  action=self._open_statement(statement))
            for each in AMOUNTS if statement[each] or each in TOTALS]
        return table(f"{statement.display_name} ({statement.currency_id.name})", [
            column(self.env._("Line")),
            column(self.env._("Amount"), "money" if own else "text")], rows)

    def _open_statement(self, statement):
        return {
            "type": "ir.actions.act_window", "name": statement.display_name,
            "res_model": "stripe.statement", "res_id": statement.id, "views": [[False, "form"]]}

    def _stripe_check(self, statement):
        """Say what the month's statement says; see its verdict."""
        vals = {"name": statement.display_name, "action": self._open_statement(statement)}
        own = statement.currency_id == statement.company_id.currency_id
        difference, here = (statement.difference, statement.closing_here) if own else (None, None)
        if not statement.fetched_at:
            return check("todo", remedy=self.env._(
                "Open it and click “Fetch, post and compare”."), **vals)
        if statement.verdict == "moved":
            return check("todo", amount=difference, remedy=self.env._(
                "The books have changed since it was fetched, on %(moment)s: fetch it again.",
                moment=format_datetime(self.env, statement.fetched_at)), **vals)
        if statement.verdict == "differs":
            return check("wrong", amount=difference, remedy=self.env._(
                "Open it: the movements that differ and the items that Stripe does not know are "
                "listed there."), **vals)
        if statement.verdict == "lines":
            return check("wrong", remedy=self.env._(
                "Both balances are the same, but lines differ and make up for one another: open "
                "it."), **vals)
        if not statement.is_month_over:
            return check("todo", amount=here, remedy=self.env._(
                "It agrees, but the month was not over when it was fetched: fetch it again."),
                **vals)
        return check("ok", amount=here, **vals)

    def _stripe_missing_check(self, period, provider):
        """Ask for the statement that nobody has made yet."""
        return check(
            "todo", self.env._("%(provider)s was not compared with the books",
                               provider=provider.name),
            remedy=self.env._(
                "Make the month’s statement: fees and payouts are posted, and both balances are "
                "compared."),
            action={
                "type": "ir.actions.act_window", "res_model": "stripe.statement",
                "name": self.env._("Reconciliation with Stripe"), "views": [[False, "form"]],
                "context": {"default_provider_id": provider.id,
                            "default_month": str(period.first)}})

    def _stripe_difference_check(self, period):
        """Say which differences of the nightly comparison nobody has looked at."""
        domain = [("company_id", "=", period.company.id), ("state", "=", "open")]
        if count := self.env["stripe.difference"].search_count(domain):
            name = self.env._("Differences with Stripe that are open")
            yield check("wrong", name, count=count, remedy=self.env._(
                "Take over what Stripe has and the books have not, or accept what you know."),
                action=self._open_list(name, "stripe.difference", domain))

    def _stripe_transfer_check(self, period):
        """Say what Stripe paid out and the bank's statement does not show yet (PCG 58)."""
        account = period.company.transfer_account_id
        balance = -self._sums([*period.until_end(), ("account_id", "in", account.ids)]).get(
            account, 0.0)
        if not period.company.currency_id.is_zero(balance):
            yield check(
                "todo", self.env._("Money between Stripe and the bank (%(account)s)",
                                   account=account.code),
                amount=period.company.currency_id.round(balance), remedy=self.env._(
                    "Payouts of the last days are on their way. Older ones: match the bank’s line "
                    "with the payout."),
                action=self._open_items(account.display_name, [
                    *period.until_end(), ("account_id", "=", account.id),
                    ("reconciled", "=", False)]))
