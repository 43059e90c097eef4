from datetime import datetime, timedelta

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.base.models.res_partner import _tz_get

VOUCHER_KINDS = [
    ("single", "Single-purpose: VAT with the pack"),
    ("multi", "Multi-purpose: VAT with each booking"),
]

RETURN_EXPIRIES = [
    ("left", "The days that were left when they were spent"),
    ("days", "The number of days beside"),
    ("never", "Without expiry date"),
]

ACCOUNTS = {  # code (the next free one) and type
    "credit_deferred_account_id": ("487100", "liability_current"),
    "credit_pending_account_id": ("487200", "liability_current"),
    "credit_breakage_account_id": ("758810", "income_other"),
    "credit_adjustment_account_id": ("471800", "asset_current"),
    "credit_giveback_account_id": ("709610", "income"),
}


class ResCompany(models.Model):
    _inherit = "res.company"

    credit_deferred_account_id = fields.Many2one(
        "account.account", string="Credits owed",
        help="Deferred revenue (487 in France): packs paid and not yet used.")
    credit_pending_account_id = fields.Many2one(
        "account.account", string="Packs awaiting payment",
        help="Clearing account (487 in France): packs invoiced whose credits are not granted "
        "yet, and credits granted whose invoice is to come.")
    credit_breakage_account_id = fields.Many2one(
        "account.account", string="Expired credits",
        help="Income from credits that expired unused (breakage).")
    credit_adjustment_account_id = fields.Many2one(
        "account.account", string="Credits invoiced outside",
        help="Clearing account (471 in France) of credits added by hand at a price: the invoice "
             "made outside is posted against it.")
    credit_giveback_account_id = fields.Many2one(
        "account.account", string="Refunds of credits used",
        help="Reduction of sales (709 in France): money returned with a pack for credits that "
        "were already income.")
    credit_voucher_kind = fields.Selection(
        VOUCHER_KINDS, string="Packs are vouchers", required=True, default="single",
        help="Single-purpose when everything the credits buy bears the same VAT, multi-purpose "
        "otherwise (VAT Directive 2006/112/EC, art. 30a). Packs already sold keep theirs.")
    credit_low_balance = fields.Integer(
        string="Low balance", default=2,
        help="Customers are told when their balance falls below this many credits; 0: never.")
    credit_return_expiry = fields.Selection(
        RETURN_EXPIRIES, string="Credits given back after they expired", required=True,
        default="left", help="When the centre cancels what expired credits had paid for, they "
        "can be spent again for so long.")
    credit_return_days = fields.Integer(
        string="Days at least", required=True, default=30,
        help="How long credits given back after they expired can be spent, at least.")
    credit_tz = fields.Selection(
        _tz_get, string="Timezone of expiry", default=lambda self: self.env.user.tz or "UTC",
        help="Credits expire at the end of the civil day in this timezone.")

    _credit_return_days_positive = models.Constraint(
        "CHECK(credit_return_days > 0)",
        "Credits given back after they expired can be spent for at least one day.")

    @api.constrains("credit_deferred_account_id")
    def _check_deferred_account_is_the_ledgers(self):
        """Refuse another deferred account once the ledger is posted.

        :raise ValidationError: the ledger is posted on another account
        """
        self.env.flush_all()
        for company in self:
            if self.env["credit.audit"]._journal_violations(company):
                raise ValidationError(self.env._(
                    "The credits of %(company)s are in the books on another account than "
                    "“%(account)s”. Keep it: the ledger and the account agree at every date.",
                    company=company.name,
                    account=company.credit_deferred_account_id.display_name or ""))

    def write(self, vals):
        """Refuse to archive a company while customers hold credits.

        :raise UserError: a company is archived while customers hold credits
        """
        if vals.get("active") is False:
            self._check_no_credits(self.env._("archived"))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_credits(self):
        self._check_no_credits(self.env._("deleted"))

    def _check_no_credits(self, done):
        """Refuse what cannot be done to a company while customers hold its credits.

        :param str done: what cannot be done with it, in the reader's language
        :raise UserError: customers hold credits of a company
        """
        for company in self:
            # sudo: names are shown to who may archive or delete the company
            holders = self.env["credit.wallet"].sudo().search(
                [("company_id", "=", company.id), ("balance", ">", 0)], order="balance desc")
            if holders:
                raise UserError(self.env._(
                    "%(company)s cannot be %(done)s: %(count)s customers hold credits (%(names)s). "
                    "Refund their packs or remove their credits first.",
                    company=company.name, done=done, count=len(holders),
                    names=", ".join(holders[:10].partner_id.mapped("display_name"))))

    def _credit_today(self):
        """Return today's civil date where the company is."""
        self.ensure_one()
        return datetime.now(pytz.timezone(self.credit_tz or "UTC")).date()

    def _credit_local_date(self, moment):
        """Return the civil date of a moment (UTC) where the company is."""
        self.ensure_one()
        timezone = pytz.timezone(self.credit_tz or "UTC")
        return pytz.utc.localize(moment).astimezone(timezone).date()

    def _credit_accounting_date(self):
        """Return today's civil date, or the first later date that no lock date forbids.

        All journals use this one date, so that a ledger entry and all its moves agree.
        """
        today = self._credit_today()
        # sudo: lock dates are an accountant's data, and customers book
        locks = self.sudo()._get_lock_date_violations(today, purchase=False)
        return max((lock for lock, _field in locks), default=today - timedelta(1)) + timedelta(1)

    def _credit_expiry_date(self, months):
        """Compute the last local day of credits bought today.

        :param int months: how long they are valid; 0: without limit
        :return: a date, or False
        """
        return bool(months) and self._credit_today() + relativedelta(months=months)

    def _credit_account(self, field):
        """Return one of the accounts of credits.

        :param str field: name of the company's field
        :raise UserError: the account is not set
        """
        self.ensure_one()
        if not self[field]:
            raise UserError(self.env._(
                "%(company)s has no account “%(account)s”. Choose it in "
                "Credits / Configuration / Settings.",
                company=self.name, account=self._fields[field]._description_string(self.env)))
        return self[field]

    def _credit_journal(self):
        """Return the miscellaneous journal, in which the ledger posts.

        :raise UserError: the company has none
        """
        self.ensure_one()
        journal = self.env["account.journal"].search(
            [*self.env["account.journal"]._check_company_domain(self), ("type", "=", "general")],
            limit=1)
        if not journal:
            raise UserError(self.env._(
                "%(company)s has no miscellaneous journal. Create one in Accounting.",
                company=self.name))
        return journal

    def _credit_prepare_move_vals(self, label, items):
        """Prepare the values of a miscellaneous move.

        :param list items: dicts of values of its journal items
        """
        return {
            "move_type": "entry",
            "company_id": self.id,
            "journal_id": self._credit_journal().id,
            "date": self._credit_accounting_date(),
            "ref": label,
            "line_ids": [fields.Command.create(item) for item in items],
        }

    def _credit_create_accounts(self):
        """Create the accounts that credits need, in companies with a chart of accounts."""
        names = {
            lang: self.with_context(lang=lang)._credit_account_names()
            for lang, _label in self.env["res.lang"].get_installed()}
        for company in self.filtered("chart_template"):
            for field, (code, account_type) in ACCOUNTS.items():
                if not company[field]:
                    company[field] = company._credit_create_account(
                        code, account_type, {lang: names[lang][field] for lang in names})

    def _credit_account_names(self):
        return {
            "credit_deferred_account_id": self.env._("Credits sold, not yet used"),
            "credit_pending_account_id": self.env._("Packs of credits awaiting payment"),
            "credit_breakage_account_id": self.env._("Credits expired unused"),
            "credit_adjustment_account_id": self.env._("Credits invoiced outside"),
            "credit_giveback_account_id": self.env._("Refunds of credits already used"),
        }

    def _credit_create_account(self, code, account_type, names):
        accounts = self.env["account.account"].with_company(self)
        account = accounts.create({
            "code": accounts._search_new_account_code(code),
            "account_type": account_type, "name": next(iter(names.values())),
            "company_ids": [fields.Command.set(self.ids)],
        })
        account.update_field_translations("name", names)
        return account
