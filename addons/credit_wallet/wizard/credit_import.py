import base64
import hashlib

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import email_normalize, format_date, format_datetime, split_every

from ..tools import read_adjustments

LOOKUP_SIZE = 10_000  # e-mail addresses or customers in one query
LINES_SHOWN = 200
BALANCE_LIMIT = 2**31 - 1  # balances are 32-bit integers


class CreditImport(models.TransientModel):
    """An import of manual changes from a CSV file: a trial run first, then all or nothing."""

    _name = "credit.import"
    _description = "Import of Manual Changes of Credits"
    _inherit = ["credit.adjust.mixin"]

    file = fields.Binary(string="CSV file", attachment=False)
    filename = fields.Char()
    state = fields.Selection(
        [("draft", "File"), ("checked", "Trial run")], required=True, default="draft")
    line_count = fields.Integer(string="Lines", readonly=True)
    error_count = fields.Integer(string="Lines to correct", readonly=True)
    credits_added = fields.Integer(readonly=True)
    credits_removed = fields.Integer(readonly=True)
    value_added = fields.Monetary(string="Value of the credits added", readonly=True)
    line_ids = fields.One2many("credit.import.line", "import_id", readonly=True)
    hidden_count = fields.Integer(compute="_compute_hidden_count")

    @api.depends("line_count", "line_ids")
    def _compute_hidden_count(self):
        for wizard in self:
            wizard.hidden_count = wizard.line_count - len(wizard.line_ids)

    def action_check(self):
        """Check each line in a trial run: tell what it would do, or what is wrong; change nothing.

        :raise UserError: the file cannot be read as a whole, or is already imported
        """
        self.ensure_one()
        _digest, adjustments, owners = self._read_file()
        self.write({"state": "checked", **self._prepare_summary(adjustments, owners)})
        return self._reopen()

    def action_back(self):
        """Return to the choice of a file."""
        self.ensure_one()
        self.write({"state": "draft", "file": False, "line_ids": [Command.clear()]})
        return self._reopen()

    def action_import(self):
        """Apply every line of the file, or none.

        :raise UserError: a line is wrong, or the file is already imported
        """
        self.ensure_one()
        return self._apply()._action_recorded()

    def _reopen(self):
        return {
            "type": "ir.actions.act_window", "res_model": self._name, "res_id": self.id,
            "view_mode": "form", "target": "new", "name": self.env._("Import credits"),
            "context": {"dialog_size": "extra-large"},
        }

    def _apply(self):
        """Read and check the file again, then apply it: balances may have changed meanwhile.

        It does not wait in line for the wallets, which may be too many to lock one by one. When a
        customer spends at the same moment, the whole import is retried.

        :return: the ``credit.entry`` records, in the order of the lines
        """
        digest, adjustments, owners = self._read_file()
        wrong = [adjustment for adjustment in adjustments if adjustment.errors]
        if wrong:
            raise UserError("\n".join([
                self.env._("Nothing was imported: %(count)s lines are wrong.", count=len(wrong)),
                *(self._error_label(adjustment) for adjustment in wrong[:10])]))
        partners = self.env["res.partner"].browse(set(owners.values()))
        wallets = {
            partner.id: wallet for partner, wallet in self.env["credit.wallet"]._of_all(
                partners, self.company_id).items()}
        return self.env["credit.wallet"]._adjust_all([{
            "wallet": wallets[owners[adjustment.line]],
            "credits": adjustment.credits,
            "value": self._price_paid(adjustment),
            "key": self._line_key(digest, adjustment),
            "expiry_date": adjustment.expiry or False,
            "entry_vals": {"reason": adjustment.reason, "origin": self.filename},
        } for adjustment in adjustments], self.account_id)

    def _error_label(self, adjustment):
        return self.env._("Line %(line)s: %(errors)s.", line=adjustment.line,
                          errors="; ".join(adjustment.errors))

    def _price_paid(self, adjustment):
        return self.currency_id.round(float(adjustment.price * max(adjustment.credits, 0)))

    def _line_key(self, digest, adjustment):
        return f"import:{self.company_id.id}:{digest}:{adjustment.line}"

    # Checks ---------------------------------------------------------------------------------

    def _read_file(self):
        """Parse and check the file.

        :return: the file's digest, its adjustments with their errors, and the id of the owner
            of the wallet by line number
        :raise UserError: the file cannot be read as a whole, or is already imported
        """
        self._check_company_allowed()
        content = base64.b64decode(self.with_context(bin_size=False).file or b"")
        if not content:
            raise UserError(self.env._("Choose a file that is not empty."))
        adjustments = read_adjustments(self.env, content)
        digest = hashlib.sha256(content).hexdigest()
        self._check_not_imported(digest, adjustments)
        self._check_expiries(adjustments)
        self._check_duplicates(adjustments)
        owners = self._find_owners(adjustments)
        self._check_balances(adjustments, owners)
        return digest, adjustments, owners

    def _check_not_imported(self, digest, adjustments):
        # sudo: only whether this very file is already recorded
        known = self.env["credit.entry"].sudo().search([
            ("idempotency_key", "=", self._line_key(digest, adjustments[0]))])
        if known:
            raise UserError(self.env._(
                "This very file was already imported by %(user)s on %(date)s. To give the same "
                "credits again, change the reasons in the file.",
                user=known.user_id.name, date=format_datetime(self.env, known.date)))

    def _check_expiries(self, adjustments):
        today = self.company_id._credit_today()
        for adjustment in adjustments:
            if adjustment.expiry and adjustment.expiry < today:
                adjustment.errors.append(self.env._(
                    "the expiry %(date)s is in the past",
                    date=format_date(self.env, adjustment.expiry)))

    def _check_duplicates(self, adjustments):
        first_lines = {}
        for adjustment in adjustments:
            content = (adjustment.email.lower(), adjustment.credits, adjustment.reason,
                       adjustment.price, adjustment.expiry)
            first = first_lines.setdefault(content, adjustment.line)
            if first != adjustment.line and not adjustment.errors:
                adjustment.errors.append(self.env._(
                    "the same as line %(line)s: remove it, or give another reason", line=first))

    def _find_owners(self, adjustments):
        """Find the owner of the wallet of each line, with one query per batch of addresses."""
        emails = {
            adjustment.line: email_normalize(adjustment.email) for adjustment in adjustments}
        found = {}
        visible = Domain("company_id", "in", [False, self.company_id.id])
        for batch in split_every(LOOKUP_SIZE, {email for email in emails.values() if email}):
            for email, partners in self.env["res.partner"]._read_group(
                    visible & Domain("email_normalized", "in", batch),
                    ["email_normalized"], ["commercial_partner_id:array_agg"]):
                found[email] = set(partners)
        owners = {}
        for adjustment in adjustments:
            candidates = found.get(emails[adjustment.line], ())
            if len(candidates) == 1:
                owners[adjustment.line] = next(iter(candidates))
            elif candidates:
                adjustment.errors.append(self.env._(
                    "%(count)s customers have the e-mail “%(email)s”: change credits in their "
                    "wallets instead", count=len(candidates), email=adjustment.email))
            else:
                adjustment.errors.append(self.env._(
                    "no customer has the e-mail “%(email)s”", email=adjustment.email))
        return owners

    def _check_balances(self, adjustments, owners):
        """Refuse lines that take more than their wallet holds after the lines above them."""
        balances = {}
        for batch in split_every(LOOKUP_SIZE, set(owners.values())):
            wallets = self.env["credit.wallet"].search([
                ("partner_id", "in", batch), ("company_id", "=", self.company_id.id)])
            spendable = wallets._spendable()
            balances.update((wallet.partner_id.id, spendable[wallet.id]) for wallet in wallets)
        for adjustment in adjustments:
            if adjustment.errors:
                continue
            owner = owners[adjustment.line]
            balance = balances.get(owner, 0)
            if 0 <= balance + adjustment.credits <= BALANCE_LIMIT:
                balances[owner] = balance + adjustment.credits
            else:
                adjustment.errors.append(self.env._(
                    "%(credits)s cannot be applied: the wallet holds %(balance)s at this line",
                    credits=adjustment.credits, balance=balance))

    def _prepare_summary(self, adjustments, owners):
        """Prepare the totals, and the first lines to look at: wrong ones before the others."""
        shown = sorted(adjustments, key=lambda adjustment: not adjustment.errors)[:LINES_SHOWN]
        right = [adjustment for adjustment in adjustments if not adjustment.errors]
        return {
            "line_count": len(adjustments),
            "error_count": len(adjustments) - len(right),
            "credits_added": sum(max(adjustment.credits, 0) for adjustment in right),
            "credits_removed": sum(max(-adjustment.credits, 0) for adjustment in right),
            "value_added": sum(self._price_paid(adjustment) for adjustment in right),
            "line_ids": [Command.clear(), *(
                Command.create(self._prepare_line_vals(adjustment, owners))
                for adjustment in shown)],
        }

    def _prepare_line_vals(self, adjustment, owners):
        """Prepare what the trial run shows of a line of the file."""
        return {
            "line": adjustment.line,
            "email": adjustment.email,
            "partner_id": owners.get(adjustment.line),
            "credits": adjustment.credits,
            "price": float(adjustment.price),
            "expiry_date": adjustment.expiry,
            "reason": adjustment.reason,
            "status": "; ".join(adjustment.errors) or self.env._("Ready"),
            "is_wrong": bool(adjustment.errors),
        }
