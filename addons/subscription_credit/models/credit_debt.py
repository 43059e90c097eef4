from odoo import api, fields, models


class CreditDebt(models.Model):
    """Credits given back with the money of a period, though they were used.

    A subscription that goes on pays them with the next credits it grants: so an upgrade grants
    the difference, and a pause or a downgrade gives no credits away.
    """

    _inherit = "credit.debt"

    settling_entry_ids = fields.One2many(
        "credit.entry", "credit_debt_id", string="Paid with later credits")
    owed = fields.Integer(
        compute="_compute_owed", string="Still owed", help="Credits neither paid nor waived yet.")

    @api.depends("state", "credits", "settling_entry_ids.credits")
    def _compute_owed(self):
        for debt in self:
            debt.owed = debt.state == "open" and debt.credits + sum(
                debt.settling_entry_ids.mapped("credits"))

    # Credit notes of periods ------------------------------------------------------------------

    @api.model
    def _take_back_periods(self, lines, grants):
        """Follow posted credit notes of periods in the ledger.

        :param lines: their ``account.move.line``
        :param dict grants: the ``credit.entry`` by period, of those that had their credits
            before the credit notes were posted
        """
        later = lines
        for line in lines - self._followed(lines):
            later -= line
            if grant := grants.get(line.subscription_period_id):
                self._take_back_period(line, grant, later)

    @api.model
    def _take_back_period(self, line, grant, later):
        """Take back what the period no longer bears.

        :param later: lines posted with this one, and still to be followed
        """
        period = line.subscription_period_id
        others = later.filtered(lambda other: other.subscription_period_id == period)
        paid = (line | others)._paid_values("priced")
        credited = period.credited - sum(paid[other] for other in others)
        before = credited - paid[line]
        self._take_back_credits(
            line, grant, period._credits_left(before) - period._credits_left(credited),
            line._paid_values("balance")[line] * period.credit_share / 100)

    @api.model
    def _used_credits(self, lot):
        """Count credits that paid a debt as used: refunded, they are owed again."""
        return super()._used_credits(lot) - sum(lot._with_offspring().move_ids.filtered(
            "entry_id.credit_debt_id").mapped("credits"))

    # Payment in credits -----------------------------------------------------------------------

    @api.model
    def _settle_with(self, grant):
        """Let the credits that a period just granted pay what its subscription owes, oldest
        first; never more than they are.

        Their value goes back to the reduction of sales that the debt had been posted to.
        """
        lot = grant.lot_move_ids.lot_id
        subscription = grant.subscription_period_id.subscription_id
        for debt in self._owed_by(subscription):
            credits = min(debt.owed, lot.remaining)
            if not credits:
                break
            grant.wallet_id._claw_back(
                lot, credits, f"debt:{debt.id}:{grant.id}", credit_debt_id=debt.id,
                origin=grant.origin, reason=subscription._in_customer_language().env._(
                    "Owed since the refund %(credit_note)s",
                    credit_note=debt.credit_note_id.name))
            if not debt.owed:
                debt.action_settle()

    @api.model
    def _owed_by(self, subscription):
        """Find the open debts on the credits of a subscription, oldest first.

        Not those of a payment that was taken back: it may still come back.
        """
        lots = self.env["credit.entry"].search([
            ("subscription_period_id.subscription_id", "=", subscription.id),
            ("kind", "=", "purchase")]).lot_move_ids.lot_id
        return self.search([
            ("lot_id", "in", lots.ids), ("state", "=", "open"),
            ("withdrawn_line_id", "=", False)], order="id")
