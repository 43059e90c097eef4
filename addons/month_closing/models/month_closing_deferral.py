from odoo import api, models

from ..tools import cells, check, column, section, table


class MonthClosing(models.AbstractModel):
    """Deferred revenue (PCG 487) at the end of the month."""

    _inherit = "month.closing"

    def _deferral_section(self, period):
        """Compare what invoices still owe later months with the account of deferred revenue."""
        lines = self.env["revenue.deferral"]._reconcile_on(period.company, period.last)
        return section("deferral", self.env._("Deferred revenue (487)"), [
            *map(self._deferral_check, lines), self._earning_check(period)], [
                table(self.env._("At the end of the month"), [
                    column(self.env._("Account")),
                    column(self.env._("Owed to later months"), "money"),
                    column(self.env._("On the account"), "money"),
                    column(self.env._("Difference"), "money")], [
                        cells(f"{line['account'].code} {line['account'].name}", line["waiting"],
                              line["posted"], line["difference"],
                              style="wrong" if line["difference"] else "",
                              action=self._open_items(line["account"].display_name, [
                                  *period.until_end(), ("account_id", "=", line["account"].id)]))
                        for line in lines if line["waiting"] or line["posted"]])])

    def _deferral_check(self, line):
        """Say whether an account holds what its invoices say, else by which entries not."""
        account, strangers = line["account"], line["strangers"]
        if not line["difference"] and not strangers:
            return check("ok", self.env._(
                "%(account)s is what the invoices’ later months say", account=account.code))
        return check(
            "wrong", self.env._("%(account)s differs from the invoices’ later months",
                                account=account.code),
            count=len(strangers) or None, amount=line["difference"],
            details=self._entry_details(strangers), remedy=self.env._(
                "These entries were posted by hand on an account that invoices feed by "
                "themselves. Move them to another account of deferred revenue, or reverse them."),
            action=strangers and self._open_records(
                self.env._("By hand on %(account)s", account=account.code), strangers) or None)

    def _earning_check(self, period):
        """Say whether the month and those before have taken their share as revenue."""
        late = self._shares_to_earn(period)
        if not late:
            return check("ok", self.env._("The month has taken its share as revenue"))
        return check(
            "todo", self.env._("Shares of revenue that are not posted yet"), count=len(late),
            amount=sum(late.mapped("amount")), remedy=self.env._(
                "They are posted by themselves in the night after the month’s end. If they wait "
                "longer, the reason is an activity on their invoice."),
            action=self._open_records(self.env._("Deferred revenue"), late))

    @api.model
    def _shares_to_earn(self, period):
        """Return the shares of revenue of the month and before that wait."""
        if period.last >= period.company._closing_today():
            period = period.shifted(-1)  # it earns its share when it is over
        return self.env["revenue.deferral"].search([
            ("company_id", "=", period.company.id), ("month", "<=", period.first),
            ("state", "=", "waiting")])
