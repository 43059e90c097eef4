from odoo import api, models, sql_db


class CreditLot(models.Model):
    _inherit = "credit.lot"

    @api.model
    def _apply(self, moves):
        """The same for the lots: written back from Python, in a transaction of its own."""
        for lot, credits, value in moves:
            with sql_db.db_connect(self.env.cr.dbname).cursor() as cr:
                cr.execute(
                    "UPDATE credit_lot SET remaining = %s, value_remaining = %s WHERE id = %s",
                    [lot.remaining + credits, lot.value_remaining + value, lot.id])
            lot.invalidate_recordset(["remaining", "value_remaining"], flush=False)
