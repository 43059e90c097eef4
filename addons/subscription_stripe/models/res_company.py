from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError

DISPUTE_POLICIES = [
    ("suspend", "Suspend the service"),
    ("hold", "Bill and charge nothing more"),
    ("none", "Only spare the card"),
]
LOST_POLICIES = [
    ("chase", "The invoice is due again, and chased"),
    ("write_off", "The invoice is written off, and the subscription ends"),
]


class ResCompany(models.Model):
    _inherit = "res.company"

    dispute_policy = fields.Selection(
        DISPUTE_POLICIES, string="While a payment is contested", required=True,
        default="suspend", help="The contested card itself is never charged meanwhile.")
    dispute_lost_policy = fields.Selection(
        LOST_POLICIES, string="When the dispute is lost", required=True, default="chase")
    dispute_tell_customer = fields.Boolean(
        string="Tell the customer",
        help="A mail to the customer whose bank contests a payment; else only staff are told.")
    stripe_dispute_account_id = fields.Many2one(
        "account.account", string="Contested payments",
        domain="[('reconcile', '=', True), ('account_type', '=', 'asset_current')]",
        help="Where money waits that a bank has taken back (416 in France). Empty: the first "
        "account whose code starts with 416, else with 467.")
    stripe_fee_account_id = fields.Many2one(
        "account.account", string="Fees of Stripe",
        help="Empty: the first expense account whose code starts with 6278, else with 627.")

    def _stripe_dispute_account(self):
        """Return the account of contested claims on customers (PCG 416, « clients douteux ou
        litigieux »).

        :raise UserError: there is none
        """
        return self.stripe_dispute_account_id or self._stripe_find_account(
            ("416%", "467%"), [("reconcile", "=", True)],
            self._fields["stripe_dispute_account_id"])

    def _stripe_fee_account(self):
        """Return the account of services of banks (PCG 627).

        :raise UserError: there is none
        """
        return self.stripe_fee_account_id or self._stripe_find_account(
            ("6278%", "627%"), [("account_type", "=", "expense")],
            self._fields["stripe_fee_account_id"])

    def _stripe_transfer_account(self):
        """Return the account of internal transfers (PCG 58), which Odoo knows already.

        :raise UserError: there is none
        """
        if not self.transfer_account_id:
            raise UserError(self.env._(
                "%(company)s has no account of internal transfers. Set it in the settings of "
                "Accounting.", company=self.name))
        return self.transfer_account_id

    def _stripe_find_account(self, codes, domain, field):
        self.ensure_one()
        accounts = self.env["account.account"].with_company(self)
        for code in codes:
            if found := accounts.search([
                    *accounts._check_company_domain(self), ("code", "=like", code), *domain],
                    order="code", limit=1):
                return found
        raise UserError(self.env._(
            "%(company)s has no account “%(account)s”. Choose one in the settings of "
            "Subscriptions.", company=self.name,
            account=field._description_string(self.env)))

    def _stripe_post(self, day, label, currency, items):
        """Post an entry in the miscellaneous journal.

        :param date day: moved to the first open one when the books are closed
        :param list items: (account, amount in `currency`, partner or None), which add up to zero
        :return: the ``account.move``
        """
        self.ensure_one()
        journal = self._subscription_miscellaneous_journal()
        if locks := self._get_violated_lock_dates(day, False, journal):
            day = locks[-1][0] + timedelta(days=1)
        balances = [currency._convert(amount, self.currency_id, self, day)
                    for _account, amount, _partner in items[:-1]]
        balances.append(-sum(balances))  # whatever rounding does, it balances
        move = self.env["account.move"].with_company(self).create({
            "move_type": "entry", "company_id": self.id, "journal_id": journal.id, "date": day,
            "ref": label, "line_ids": [fields.Command.create({
                "name": label, "account_id": account.id, "currency_id": currency.id,
                "amount_currency": amount, "balance": balance,
                "partner_id": partner and partner.commercial_partner_id.id,
            }) for (account, amount, partner), balance in zip(items, balances, strict=True)]})
        move._post(soft=False)
        return move
