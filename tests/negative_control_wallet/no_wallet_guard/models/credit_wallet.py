from odoo import models, sql_db

from odoo.addons.credit_wallet.exceptions import InsufficientCredits


class CreditWallet(models.Model):
    _inherit = "credit.wallet"

    def _move_balance(self, credits):
        """Read, add in Python, write: right for one customer at a time.

        The writing is a transaction of its own, because under REPEATABLE READ PostgreSQL itself
        refuses to write over what another transaction changed since the reading.
        """
        self.env.cr.execute("SELECT balance FROM credit_wallet WHERE id = %s", [self.id])
        balance = self.env.cr.fetchone()[0] + credits
        if balance < 0:
            raise InsufficientCredits(self.env._("Crédits insuffisants"))
        with sql_db.db_connect(self.env.cr.dbname).cursor() as cr:
            cr.execute(
                "UPDATE credit_wallet SET balance = %s WHERE id = %s", [balance, self.id])
        self.invalidate_recordset(["balance"])
        return balance
