from datetime import datetime

import pytz

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.base.models.res_partner import _tz_get


class ResCompany(models.Model):
    _inherit = "res.company"

    credit_deferred_account_id = fields.Many2one(
        "account.account", string="Credits owed",
        help="Deferred revenue (487 in France): packs sold and not yet used.")
    credit_breakage_account_id = fields.Many2one(
        "account.account", string="Expired credits",
        help="Income from credits that expired unused (breakage).")
    credit_adjustment_account_id = fields.Many2one(
        "account.account", string="Credits invoiced outside",
        help="Clearing account (471 in France) of credits added by hand at a price: the invoice "
             "made outside is posted against it.")
    credit_tz = fields.Selection(
        _tz_get, string="Timezone of expiry", default=lambda self: self.env.user.tz or "UTC",
        help="Credits expire at the end of the civil day in this timezone.")

    def _credit_today(self):
        """Today's civil date where the company is."""
        self.ensure_one()
        return datetime.now(pytz.timezone(self.credit_tz or "UTC")).date()

    def _credit_deferred_account(self):
        return self._credit_account("credit_deferred_account_id")

    def _credit_account(self, field_name):
        """The company's account set in this field.

        :raise UserError: the account is not chosen yet
        """
        self.ensure_one()
        if not self[field_name]:
            raise UserError(self.env._(
                "%(company)s has no account for “%(use)s”. Choose it in "
                "Credits / Configuration / Settings.",
                company=self.name,
                use=self._fields[field_name]._description_string(self.env)))
        return self[field_name]

    def _credit_journal(self):
        """The miscellaneous journal, for breakage."""
        self.ensure_one()
        journal = self.env["account.journal"].search(
            [*self.env["account.journal"]._check_company_domain(self), ("type", "=", "general")],
            limit=1)
        if not journal:
            raise UserError(self.env._(
                "%(company)s has no miscellaneous journal. Create one in Accounting.",
                company=self.name))
        return journal

    def _credit_create_accounts(self):
        """Give companies with a chart of accounts the three accounts credits need."""
        for company in self.filtered("chart_template"):
            if not company.credit_deferred_account_id:
                company.credit_deferred_account_id = company._credit_create_account(
                    "487100", "liability_current", self.env._("Credits sold, not yet used"))
            if not company.credit_breakage_account_id:
                company.credit_breakage_account_id = company._credit_create_account(
                    "758810", "income_other", self.env._("Credits expired unused"))
            if not company.credit_adjustment_account_id:
                company.credit_adjustment_account_id = company._credit_create_account(
                    "471800", "asset_current", self.env._("Credits invoiced outside"))

    def _credit_create_account(self, code, account_type, name):
        accounts = self.env["account.account"].with_company(self)
        return accounts.create({
            "code": accounts._search_new_account_code(code),
            "account_type": account_type, "name": name,
            "company_ids": [fields.Command.set(self.ids)],
        })
