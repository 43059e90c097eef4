from collections import defaultdict

from odoo import models

from ..tools import cells, check, column, table

# Where the VAT of a return is settled: to be paid, or credit (PCG 44551, 44567).
SETTLEMENT_CODES = ("44551%", "44567%")


class MonthClosing(models.AbstractModel):
    """The accounts of VAT (PCG 4452, 4456, 4457, 44574) beside the taxes that feed them."""

    _inherit = "month.closing"

    def _vat_accounts(self, period):
        """Compare what taxes put on each account of VAT with all that was posted there.

        An entry that settles the month's return (PCG 44551, 44567) is no difference; any other
        without a tax is, and is named.

        :return: (list of checks, table)
        """
        accounts = self._vat_accounts_of(period.company)
        posted = self._sums([*period.posted(), ("account_id", "in", accounts.ids)])
        balances = self._sums([*period.until_end(), ("account_id", "in", accounts.ids)])
        strangers = self._vat_strangers(period, accounts)
        settled = self._vat_settlements(period, accounts)
        money = period.company.currency_id
        rows = []
        for account in accounts.sorted("code"):
            apart = -sum(strangers.filtered(
                lambda item, account=account: item.account_id == account).mapped("balance"))
            settlement = -sum(settled.filtered(
                lambda item, account=account: item.account_id == account).mapped("balance"))
            total = posted.get(account, 0.0)
            if total or apart or settlement or money.round(balances.get(account, 0.0)):
                rows.append(cells(
                    f"{account.code} {account.name}", money.round(total - apart - settlement),
                    money.round(settlement), money.round(apart), money.round(total),
                    money.round(balances.get(account, 0.0)), style="wrong" if apart else "",
                    action=self._open_items(account.display_name, [
                        *period.posted(), ("account_id", "=", account.id)])))
        accounts_table = table(self.env._("Accounts of VAT"), [
            column(self.env._("Account")), column(self.env._("By taxes"), "money"),
            column(self.env._("Return settled"), "money"),
            column(self.env._("By hand"), "money"),
            column(self.env._("Month"), "money"), column(self.env._("Balance"), "money")],
            rows, self.env._("Credits are positive: VAT owed to the State."))
        return [self._vat_strangers_check(strangers)], accounts_table

    def _vat_accounts_of(self, company):
        """Return the accounts that the company's taxes post to, waiting ones included."""
        taxes = self.env["account.tax"].with_context(active_test=False).search(
            self.env["account.tax"]._check_company_domain(company))
        shares = taxes.invoice_repartition_line_ids | taxes.refund_repartition_line_ids
        return shares.account_id | taxes.cash_basis_transition_account_id

    def _sums(self, domain):
        """Sum items by account; credits are positive."""
        return {account: -balance for account, balance in self.env["account.move.line"]
                ._read_group(domain, ["account_id"], ["balance:sum"])}

    def _vat_settlement_accounts(self, company):
        """Return the accounts where returns of VAT are settled."""
        groups = self.env["account.tax.group"].search(
            self.env["account.tax.group"]._check_company_domain(company))
        accounts = self.env["account.account"].with_company(company)
        named = accounts.union(*(accounts.search([
            *accounts._check_company_domain(company), ("code", "=like", code)])
            for code in SETTLEMENT_CODES))
        return named | groups.tax_payable_account_id | groups.tax_receivable_account_id

    def _vat_without_tax(self, period, accounts):
        """Return the items of the month on accounts of VAT that no tax made.

        The waiting account is left by the payment, which bears no tax there: what is matched with
        the invoice's VAT follows from it.
        """
        items = self.env["account.move.line"].search([
            *period.posted(), ("account_id", "in", accounts.ids), ("tax_line_id", "=", False),
            ("balance", "!=", 0)])
        return items.filtered(lambda item: not (
            item.move_id.tax_cash_basis_origin_move_id
            or item.move_id.reversed_entry_id.tax_cash_basis_origin_move_id
            or item.matched_debit_ids or item.matched_credit_ids))

    def _vat_settlements(self, period, accounts):
        """Return the items of the month that settle a return."""
        settling = self._vat_settlement_accounts(period.company)
        return self._vat_without_tax(period, accounts).filtered(
            lambda item: item.move_id.line_ids.account_id & settling)

    def _vat_strangers(self, period, accounts):
        """Return the items of the month on accounts of VAT that nothing explains."""
        return self._vat_without_tax(period, accounts) - self._vat_settlements(period, accounts)

    def _vat_strangers_check(self, strangers):
        by_account = defaultdict(float)
        for item in strangers:
            by_account[item.account_id] -= item.balance
        return check(
            "wrong" if strangers else "ok",
            self.env._("Accounts of VAT hold what the taxes put there"),
            count=len(strangers) or None, amount=sum(by_account.values()) or None,
            details=self._entry_details(strangers), remedy=strangers and self.env._(
                "These entries stand on an account of VAT without a tax, so no return counts "
                "them. Choose the tax on the entry, or move the amount to another account."),
            action=strangers and self._open_records(self.env._("VAT by hand"), strangers) or None)
