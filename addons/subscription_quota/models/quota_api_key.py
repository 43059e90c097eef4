import hashlib
import re
import secrets

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import as_engine, claim_in_order, plain_line

PREFIX = "qk"
SECRET_BYTES = 32
TOKEN = re.compile(r"qk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
SCOPES = ("can_consume", "can_check", "can_history")
CUSTOMER_KEYS = 20  # live ones that a customer makes by themselves
LIVE_KEYS = 2  # of one name: the one in use and the one that takes its place


def split_token(token):
    """Split a key into what finds it and what proves it.

    :return: (lookup, hash of the secret), or None when this is no key of ours
    """
    match = TOKEN.fullmatch(token or "")
    return match and (match[1], hash_secret(match[2]))


def hash_secret(secret):
    """Hash a secret. SHA-256 is enough: it is 32 random bytes, which nobody can guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


class QuotaApiKey(models.Model):
    """The key of a program that consumes and reads quotas. Only a hash of it is kept.

    A customer's key acts for that customer's subscriptions. A service key, of a program of the
    company, acts for any subscription of the company, which each request names.
    """

    _name = "quota.api.key"
    _description = "Quota API Key"
    _inherit = ["mail.thread"]
    _order = "id desc"

    name = fields.Char(required=True, tracking=True, help="The program that uses the key.")
    is_service = fields.Boolean(
        string="Service key", tracking=True, help="Of a program of the company: acts for all its "
        "subscriptions.")
    partner_id = fields.Many2one(
        "res.partner", string="Customer", index="btree_not_null", ondelete="restrict",
        tracking=True)
    commercial_partner_id = fields.Many2one(
        related="partner_id.commercial_partner_id", store=True, engine=True, precompute=True,
        index="btree_not_null")
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="restrict")
    can_consume = fields.Boolean(string="Consume and release", default=True, tracking=True)
    can_check = fields.Boolean(string="Check and read limits", default=True, tracking=True)
    can_history = fields.Boolean(string="Read the history", tracking=True)
    lookup = fields.Char(string="Starts with", readonly=True, engine=True, copy=False)
    secret_hash = fields.Char(readonly=True, engine=True, copy=False, groups=fields.NO_ACCESS)
    slot = fields.Integer(readonly=True, engine=True, copy=False, default=1)
    last_used_at = fields.Datetime(string="Last use", readonly=True, engine=True, copy=False)
    revoked_at = fields.Datetime(string="Revoked", readonly=True, engine=True, copy=False,
        tracking=True)
    revoked_by_id = fields.Many2one("res.users", readonly=True, engine=True, copy=False)
    token_label = fields.Char(string="Key", compute="_compute_token_label")

    _lookup_once = models.UniqueIndex(
        "(lookup) WHERE lookup IS NOT NULL", "Another key starts alike. Generate it again.")
    _two_live_keys = models.UniqueIndex(
        "(company_id, COALESCE(commercial_partner_id, 0), name, slot) WHERE revoked_at IS NULL",
        "Two keys of this name are live already. Revoke one of them first.")
    _two_slots = models.Constraint(
        "CHECK(slot IN (1, 2))", "Two keys of a name are live at once, no more.")
    _has_owner = models.Constraint(
        "CHECK(is_service = (partner_id IS NULL))",
        "A key belongs to a customer, or is a service key of the company.")
    _service_of_company = models.Constraint(
        "CHECK((partner_id IS NULL) = (commercial_partner_id IS NULL))",
        "A key of a customer knows the company that pays.")

    @api.depends("lookup")
    def _compute_token_label(self):
        for key in self:
            key.token_label = f"{PREFIX}_{key.lookup[:4]}…" if key.lookup else False

    @api.model_create_multi
    def create(self, vals_list):
        """Create keys without a secret; :meth:`action_generate` makes it and shows it once."""
        keys = self.browse()
        for vals in vals_list:  # one by one: each takes the slot that is free by then
            self._check_by_engine(vals)
            keys += super(QuotaApiKey, as_engine(self)).create(
                [{**vals, "slot": self._free_slot(vals)}])
        return keys.with_env(self.env)

    def write(self, vals):
        """Change the key, but not whose it is once a program has it.

        :raise UserError: the key was generated
        """
        if vals.keys() & {"partner_id", "company_id", "is_service"}:
            for key in self.filtered("lookup"):
                owner = (key.partner_id.id, key.company_id.id, key.is_service)
                if owner != (vals.get("partner_id", owner[0]) or False,
                             vals.get("company_id", owner[1]),
                             vals.get("is_service", owner[2])):
                    raise UserError(self.env._(
                        "%(key)s is in use and stays with its owner. Revoke it, and make another "
                        "one.", key=key.name))
        return super().write(vals)

    def _free_slot(self, vals):
        """Return the slot that no live key of this name occupies.

        :raise UserError: two keys of this name are live
        """
        partner = self.env["res.partner"].browse(vals.get("partner_id"))
        company = vals.get("company_id") or self.env.company.id
        taken = self.search([
            ("name", "=", vals.get("name")), ("company_id", "=", company),
            ("commercial_partner_id", "=", partner.commercial_partner_id.id),
            ("revoked_at", "=", False)]).mapped("slot")
        free = [slot for slot in range(1, LIVE_KEYS + 1) if slot not in taken]
        if not free:
            raise UserError(self.env._(
                "Two keys named %(name)s are live already: the one in use and the one that takes "
                "its place. Revoke one of them first.", name=vals.get("name")))
        return free[0]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_generated(self):
        if used := self.filtered("lookup"):
            raise UserError(self.env._(
                "%(key)s was in use and is part of the history. Revoke it instead.",
                key=used[0].name))

    # Life of a key ------------------------------------------------------------------------------

    def action_generate(self):
        """Make the secret and show it: it cannot be shown again.

        :return: an action whose context holds the key as ``default_token``
        :raise UserError: the key has its secret already, or is revoked
        """
        self.ensure_one()
        self.check_access("write")
        if self.lookup or self.revoked_at:
            raise UserError(self.env._(
                "%(key)s was shown when it was made and cannot be shown again. Make a new one "
                "with “Rotate”, then revoke this one.", key=self.name))
        token = self._generate()
        self.message_post(body=self.env._("Key generated: %(key)s", key=self.token_label))
        return self._action_show_token(token)

    def _generate(self):
        lookup, secret = secrets.token_hex(8), secrets.token_urlsafe(SECRET_BYTES)
        # sudo: nobody may read or write the hash; the right to write the key was checked
        self.sudo().write({"lookup": lookup, "secret_hash": hash_secret(secret)})
        return f"{PREFIX}_{lookup}_{secret}"

    def action_rotate(self):
        """Make a second key like this one: both work until this one is revoked.

        :raise UserError: two of this name are live already
        """
        self.ensure_one()
        self.check_access("write")
        self._check_live()
        key = self.copy({"name": self.name})
        self.message_post(body=self.env._("Rotated: a second key was made."))
        return key.action_generate()

    def action_revoke(self):
        """Revoke the key at once, for good."""
        self.check_access("write")
        live = self.filtered(lambda key: not key.revoked_at)
        # sudo: the right was just checked; when a key was revoked, and by whom, nobody types
        live.sudo().write({"revoked_at": self.env.cr.now(), "revoked_by_id": self.env.uid})
        for key in live:
            key.message_post(body=key.env._("Revoked: %(key)s", key=key.token_label or key.name))
        return True

    # Keys that customers make by themselves -----------------------------------------------------

    @api.model
    def _make_for_customer(self, partner, company, name, scopes):
        """Make a customer's key.

        :param list scopes: of :meth:`_scopes`
        :return: (key, secret to show once)
        :raise UserError: no name, no right, or too many keys
        """
        name = plain_line(name or "").strip()[:64]
        scopes = [scope for scope, _label in self._scopes() if scope in scopes]
        if not name or not scopes:
            raise UserError(self.env._("Give the key a name and one right at least."))
        # Counted and made by one after the other.
        claim_in_order(partner.commercial_partner_id)
        if self.search_count([
                ("commercial_partner_id", "=", partner.commercial_partner_id.id),
                ("revoked_at", "=", False)]) >= CUSTOMER_KEYS:
            raise UserError(self.env._(
                "You have %(count)s keys. Revoke those you do not use.", count=CUSTOMER_KEYS))
        key = self.create({
            "partner_id": partner.id, "company_id": company.id, "name": name,
            **{field: field in scopes for field, _label in self._scopes()}})
        return key, key.action_generate()["context"]["default_token"]

    def _make_successor(self):
        """Make a second key like this one, see :meth:`action_rotate`.

        :return: the secret to show once
        """
        return self.action_rotate()["context"]["default_token"]

    @api.model
    def _scopes(self):
        """List the rights a key may have.

        :return: list of (field, label)
        """
        labels = self.fields_get(SCOPES, ["string"])
        return [(name, labels[name]["string"]) for name in SCOPES]

    def _scopes_label(self):
        self.ensure_one()
        return ", ".join(label for name, label in self._scopes() if self[name])

    def _check_live(self):
        if self.revoked_at:
            raise UserError(self.env._(
                "%(key)s is revoked. Make a new key.", key=self.name))

    def _action_show_token(self, token):
        return {
            "type": "ir.actions.act_window", "res_model": "quota.api.key.show",
            "name": self.env._("Copy the key now"), "views": [(False, "form")],
            "target": "new", "context": {"default_token": token},
        }


class QuotaApiKeyShow(models.AbstractModel):
    """A key shown on the screen, once; no table holds it."""

    _name = "quota.api.key.show"
    _description = "New Quota API Key"

    id = fields.Id()
    token = fields.Char(string="Key", readonly=True)
