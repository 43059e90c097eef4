from odoo import api, fields, models
from odoo.exceptions import UserError


class ResCompany(models.Model):
    _inherit = "res.company"

    subscription_loss_account_id = fields.Many2one(
        "account.account", string="Irrecoverable invoices",
        help="Where invoices that are written off go (654 in France). Empty: the first account "
        "of expense whose code starts with 654.")

    def write(self, vals):
        """Refuse to archive a company whose subscriptions are not over."""
        if vals.get("active") is False:
            self._check_no_live_subscription()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_subscriptions(self):
        self.env["subscription.subscription"]._refuse_while(
            [("company_id", "in", self.ids)],
            self.env._("%(company)s has sold subscriptions and cannot be deleted. Archive it once "
                       "they are over.", company=self[:1].name))

    def _check_no_live_subscription(self):
        """Refuse what would end a company whose subscriptions are not over.

        :raise UserError: names the subscriptions to cancel first
        """
        subscriptions = self.env["subscription.subscription"]
        subscriptions._refuse_while(
            [("company_id", "child_of", self.ids), ("state", "in", subscriptions._LIVE_STATES)],
            self.env._("%(company)s has subscriptions that are not over. Cancel them first.",
                       company=self[:1].name))

    def _subscription_loss_account(self):
        """Find the account of losses on irrecoverable debts (PCG 654); perhaps none."""
        self.ensure_one()
        accounts = self.env["account.account"].with_company(self)
        return self.subscription_loss_account_id or accounts.search(
            [*accounts._check_company_domain(self), ("code", "=like", "654%"),
             ("account_type", "=", "expense")], limit=1)

    def _online_providers(self):
        """Find the payment providers with which customers of the company can pay online."""
        self.ensure_one()
        # sudo: which ones there are
        return self.env["payment.provider"].sudo().search([
            ("company_id", "=", self.id), ("state", "!=", "disabled"), ("is_published", "=", True),
            ("code", "not in", ("none", "custom"))])

    def _subscription_miscellaneous_journal(self):
        """Find the journal of miscellaneous entries.

        :raise UserError: the company has none
        """
        self.ensure_one()
        journals = self.env["account.journal"]
        journal = journals.search(
            [*journals._check_company_domain(self), ("type", "=", "general")], limit=1)
        if not journal:
            raise UserError(self.env._(
                "%(company)s has no miscellaneous journal. Create one in Accounting.",
                company=self.name))
        return journal
