from odoo import api, models
from odoo.tools import SQL


class CreditAudit(models.AbstractModel):
    """A comparison of the ledger with itself and with the books, in a fixed number of queries."""

    _name = "credit.audit"
    _description = "Audit of the Credit Ledger"

    @api.model
    def _violations(self, companies):
        """List the broken rules, one sentence each; see ``credit.wallet._check_invariants``."""
        self.env.flush_all()
        found = []
        for company in companies:
            found += self._wallet_violations(company)
            found += self._lot_violations(company)
            found += self._entry_violations(company)
            found += self._journal_violations(company)
            found += [
                self.env._(
                    "%(customer)s: %(account)s on the account of credits owed, %(ledger)s in "
                    "open lots.", customer=line["name"], account=line["account"],
                    ledger=line["ledger"])
                for line in self.env["credit.reconciliation"]._compare(company, None)
                if line["drift"]]
        return found

    @api.model
    def _wallet_violations(self, company):
        rows = self.env.execute_query(SQL(
            """
            SELECT w.id, w.balance, COALESCE(e.credits, 0), COALESCE(l.credits, 0)
              FROM credit_wallet w
              LEFT JOIN (SELECT wallet_id, SUM(credits) AS credits
                           FROM credit_entry GROUP BY wallet_id) e ON e.wallet_id = w.id
              LEFT JOIN (SELECT wallet_id, SUM(remaining) AS credits
                           FROM credit_lot GROUP BY wallet_id) l ON l.wallet_id = w.id
             WHERE w.company_id = %s
               AND (w.balance < 0 OR w.balance <> COALESCE(e.credits, 0)
                    OR w.balance <> COALESCE(l.credits, 0))
             ORDER BY w.id""", company.id))
        return [
            self.env._(
                "Wallet %(id)s: balance %(balance)s, entries %(entries)s, lots %(lots)s.",
                id=id_, balance=balance, entries=entries, lots=lots)
            for id_, balance, entries, lots in rows]

    @api.model
    def _lot_violations(self, company):
        rows = self.env.execute_query(SQL(
            """
            SELECT l.id, l.remaining, COALESCE(m.credits, 0),
                   l.value_remaining, COALESCE(m.value, 0)
              FROM credit_lot l
              LEFT JOIN (SELECT lot_id, SUM(credits) AS credits, SUM(value) AS value
                           FROM credit_lot_move GROUP BY lot_id) m ON m.lot_id = l.id
             WHERE l.company_id = %s
               AND (l.remaining < 0 OR l.value_remaining < 0
                    OR l.remaining <> COALESCE(m.credits, 0)
                    OR COALESCE(l.value_remaining, 0) <> COALESCE(m.value, 0))
             ORDER BY l.id""", company.id))
        return [
            self.env._(
                "Lot %(id)s: %(remaining)s credits left and %(moved)s moved, value %(value)s "
                "left and %(moved_value)s moved.", id=id_, remaining=remaining, moved=moved,
                value=value, moved_value=moved_value)
            for id_, remaining, moved, value, moved_value in rows]

    @api.model
    def _entry_violations(self, company):
        """Compare entries with their lot moves, and the balance with a replay of all entries."""
        rows = self.env.execute_query(SQL(
            """
            SELECT id, credits, moved, balance_after, replayed
              FROM (SELECT e.id, e.credits, e.value, e.balance_after,
                           COALESCE(m.credits, 0) AS moved, COALESCE(m.value, 0) AS moved_value,
                           SUM(e.credits) OVER (PARTITION BY e.wallet_id ORDER BY e.id)
                               AS replayed
                      FROM credit_entry e
                      LEFT JOIN (SELECT entry_id, SUM(credits) AS credits, SUM(value) AS value
                                   FROM credit_lot_move GROUP BY entry_id) m ON m.entry_id = e.id
                     WHERE e.company_id = %s) replay
             WHERE credits <> moved OR COALESCE(value, 0) <> moved_value
                OR balance_after <> replayed
             ORDER BY id""", company.id))
        return [
            self.env._(
                "Entry %(id)s: %(credits)s credits and %(moved)s in its lots, balance "
                "%(balance)s and %(replayed)s replayed.", id=id_, credits=credits, moved=moved,
                balance=balance, replayed=replayed)
            for id_, credits, moved, balance, replayed in rows]

    @api.model
    def _journal_violations(self, company):
        """Compare entries with their items on the account of credits owed, and their dates."""
        rows = self.env.execute_query(SQL(
            """
            SELECT e.id, e.accounting_date, e.value, COALESCE(posted.value, 0)
              FROM credit_entry e
              LEFT JOIN (SELECT COALESCE(l.credit_entry_id, m.credit_entry_id) AS entry_id,
                                SUM(-l.balance) AS value,
                                MIN(l.date) AS first, MAX(l.date) AS last
                           FROM account_move_line l
                           JOIN account_move m ON m.id = l.move_id AND m.state = 'posted'
                          WHERE l.account_id = %s
                          GROUP BY 1) posted ON posted.entry_id = e.id
             WHERE e.company_id = %s AND e.kind <> 'transfer'
               AND (COALESCE(e.value, 0) <> COALESCE(posted.value, 0)
                    OR posted.first <> e.accounting_date OR posted.last <> e.accounting_date)
             ORDER BY e.id""", company.credit_deferred_account_id.id or None, company.id))
        return [
            self.env._(
                "Entry %(id)s of %(date)s: value %(value)s, %(posted)s posted; or posted on "
                "another day.", id=id_, date=date, value=value, posted=posted)
            for id_, date, value, posted in rows]
