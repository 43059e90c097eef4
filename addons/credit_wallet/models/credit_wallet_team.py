import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.concurrency_base.tools import is_engine, lock_in_order


class CreditWallet(models.Model):
    """The part of wallets for companies: managers, spenders, and allotting to employees."""

    _inherit = "credit.wallet"

    manager_ids = fields.Many2many(
        related="partner_id.may_manage_ids", string="Training managers",
        help="They see the credits, allot them to employees and name who may spend. Roles are "
        "kept on the company, tab “People”.")

    def write(self, vals):
        """Change the wallet; people name contacts of its owner only.

        The system hands people over in a merge of wallets, before their contacts follow.
        """
        result = super().write(vals)
        if vals.keys() & {"spender_ids", "manager_ids"} and not is_engine(self.env):
            self._check_own_people()
        return result

    def _check_own_people(self):
        """Refuse to let strangers spend.

        :raise ValidationError: a manager or a spender is no contact of the owner
        """
        for wallet in self:
            named = wallet.spender_ids | wallet.manager_ids
            own = named.search([("id", "child_of", wallet.partner_id.id), ("id", "in", named.ids)])
            if strangers := named - own:
                raise ValidationError(self.env._(
                    "%(names)s: not a contact of %(owner)s, so the credits are not theirs to "
                    "spend. Make them a contact of %(owner)s first.",
                    names=", ".join(strangers.mapped("display_name")),
                    owner=wallet.partner_id.display_name))

    def _may_manage(self, partner):
        self.ensure_one()
        return partner._may("manage", self.partner_id)

    def _managers(self):
        """Return the people who are told what concerns the credits of a company."""
        self.ensure_one()
        return self.manager_ids - self.partner_id or self.partner_id

    def _named_spenders(self):
        """Return those who were named to spend and work for the company at this moment."""
        self.ensure_one()
        return self.spender_ids.filtered(
            lambda person: person.active and person.commercial_partner_id == self.partner_id)

    def _employees(self):
        """Return the employees of the wallet's company: its contacts with an e-mail address."""
        self.ensure_one()
        return self.env["res.partner"].search([
            ("id", "child_of", self.partner_id.id), ("id", "!=", self.partner_id.id),
            ("is_company", "=", False), ("type", "=", "contact"), ("email", "!=", False)])

    def _team_members(self):
        """Return what the manager's page shows of each employee."""
        self.ensure_one()
        team = self._employees()
        balances = {
            wallet.partner_id: wallet.spendable for wallet in self.env["credit.wallet"].search(
                [("partner_id", "in", team.ids), ("company_id", "=", self.company_id.id)])}
        return [{
            "partner": partner, "balance": balances.get(partner, 0),
            "manages": self._may_manage(partner), "may_spend": partner in self.spender_ids,
            "token": uuid.uuid4().hex,
        } for partner in team]

    @api.model
    def _usable_by(self, partner, company):
        """Return the wallets the person may spend from: their own first, then the company's.

        A company's wallet is included only when the person manages it, or a manager named them.
        """
        own = self.env["credit.wallet"].sudo().search(  # sudo: chosen by the rules below
            [("partner_id", "=", partner.id), ("company_id", "=", company.id)])
        shared = self.env["credit.wallet"]._of(partner, company)
        return own | shared.filtered(lambda wallet: wallet._may_spend(partner))

    @api.model
    def _to_spend(self, partner, company, credits):
        """Return the wallet to take `credits` from: the first with enough, else the last usable.

        :return: one wallet, or none when the person may spend from no wallet
        """
        usable = self._usable_by(partner, company)
        return usable.filtered(lambda wallet: wallet.spendable >= credits)[:1] or usable[-1:]

    def _set_spender(self, employee, allowed):
        """Let an employee spend from the company's wallet, or no longer.

        :raise UserError: the person is not of the company
        """
        self._check_of_team(employee)
        command = fields.Command.link if allowed else fields.Command.unlink
        self.spender_ids = [command(employee.id)]

    def _allot(self, employee, credits, key):
        """Move credits from the company's wallet to the employee's own.

        :raise UserError: the person is not of the company, or not a whole number above zero
        :raise InsufficientCredits: the company's wallet holds fewer
        """
        self._check_of_team(employee)
        return self._transfer(self._own_wallet(employee), credits, key)

    def _take_back(self, employee, credits, key):
        """Move credits an employee has not used back to the company's wallet."""
        self._check_of_team(employee)
        return self._own_wallet(employee)._transfer(self, credits, key)

    def _check_of_team(self, employee):
        if employee not in self._employees():
            raise UserError(self.env._(
                "%(name)s is not an employee of %(company)s.",
                name=employee.name, company=self.partner_id.name))

    def _own_wallet(self, employee):
        """Return the employee's own wallet, beside the company's; created when missing."""
        # sudo: the manager was checked to be of this company
        wallets = self.env["credit.wallet"].sudo().with_company(self.company_id)
        domain = [("partner_id", "=", employee.id), ("company_id", "=", self.company_id.id)]
        if not (own := wallets.search(domain)):
            wallets._open_for(employee, self.company_id)
            own = wallets.search(domain)
        return own

    def _transfer(self, target, credits, key):
        """Move credits with their value and expiry dates; the books do not change.

        :return: the two ledger entries, out and in
        """
        self.ensure_one()
        # Both rows in the order of their ids, so that opposite transfers do not deadlock.
        lock_in_order(self | target)
        origin = f"{self.partner_id.name} → {target.partner_id.name}"
        given = self._spend(credits, f"{key}:out", kind="transfer", origin=origin)
        received = target._known_entry(f"{key}:in", "transfer", credits)
        return given | (received or target._receive(given, f"{key}:in", origin))

    def _receive(self, given, key, origin):
        """Add one lot for each lot that gave, with its value and expiry."""
        balance = self._move_balance(-given.credits)
        lots = self.env["credit.lot"].sudo().create([{  # sudo: as every movement of the ledger
            **move.lot_id._prepare_derived_vals(-move.credits, -move.value),
            "wallet_id": self.id,
        } for move in given.lot_move_ids])
        moves = [(lot, lot.granted, lot.value_granted) for lot in lots]
        lots._apply(moves)
        return self._write_entry("transfer", key, balance, moves, origin=origin)
