from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.concurrency_base.tools import find_staff, tell_once, work_isolated

NOTICE_DAYS = (7, 30)  # the shorter first: it makes the longer one needless


class CreditLotNotice(models.Model):
    """A warning that a lot is about to expire: one row, hence one mail, per lot and delay."""

    _name = "credit.lot.notice"
    _description = "Notice of Expiring Credits"
    _rec_name = "lot_id"
    _engine_only = True

    lot_id = fields.Many2one("credit.lot", required=True, index=True, ondelete="cascade")
    days = fields.Integer(required=True, help="Days ahead of the expiry.")

    _once = models.Constraint("UNIQUE(lot_id, days)", "This notice was already given.")

    @api.model
    def _cron_notify(self, limit=200):
        """Tell customers daily what expires within 30 and within 7 days, once each.

        What there is no time for is done in another run at once.
        """
        for company in self.env["credit.wallet"]._companies():
            for days in NOTICE_DAYS:
                if not self._notify(company, days, limit):
                    self.env.ref("credit_wallet.ir_cron_notify_expiring_credits")._trigger()
                    return

    def _notify(self, company, days, limit):
        """Mail the wallets that have lots to warn about; the rows claimed decide which.

        :return: False when there was no time for all
        """
        template = self.env.ref("credit_wallet.mail_template_credits_expiring")
        while lots := self._claim(company, days, limit):
            expiring = lots.grouped("wallet_id")
            work_isolated(
                self.env["credit.wallet"].concat(*expiring),
                lambda wallets, expiring=expiring: [
                    template.with_context(expiring_lot_ids=expiring[wallet].ids).send_mail(
                        wallet.id) for wallet in wallets],
                self._tell_of_error)
            if not self.env["ir.cron"]._commit_progress(len(lots)):
                return False
        return True

    @api.model
    def _tell_of_error(self, wallet, error):
        """Tell staff that a customer was not warned: the rows stay, so it is not tried again."""
        user = find_staff(self.env, "credit_wallet.group_credit_manager", wallet.company_id)
        tell_once(wallet, user, lambda env: env._(
            "The customer was not warned of credits that expire"), error)

    @api.model
    def _claim(self, company, days, limit):
        """Claim open lots that expire within `days` days and were granted before that period.

        Two runs at once cannot claim the same lot: the row is unique.
        """
        today = company._credit_today()
        self.env.cr.execute(SQL(
            "INSERT INTO credit_lot_notice (lot_id, days, create_date) "
            "SELECT lot.id, %(days)s, now() AT TIME ZONE 'UTC' FROM credit_lot lot "
            "WHERE lot.company_id = %(company)s AND lot.remaining > 0 "
            "AND lot.expiry_date BETWEEN %(today)s AND %(horizon)s "
            "AND lot.granted_date < lot.expiry_date - %(days)s "
            "AND NOT EXISTS (SELECT FROM credit_lot_notice known "
            "WHERE known.lot_id = lot.id AND known.days <= %(days)s) "
            "ORDER BY lot.wallet_id LIMIT %(limit)s ON CONFLICT DO NOTHING RETURNING lot_id",
            days=days, company=company.id, today=today, limit=limit,
            horizon=today + timedelta(days=days)))
        return self.env["credit.lot"].browse(row[0] for row in self.env.cr.fetchall())
