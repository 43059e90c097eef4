from datetime import timedelta

from odoo import fields, models
from odoo.tools import format_datetime, formatLang

NOTICE = timedelta(days=1)  # between telling the managers and the charge


class SubscriptionPeriod(models.Model):
    """The part of a period that tells the managers of a company before a large charge."""

    _inherit = "subscription.period"

    def _put_off_large_charge(self):
        """Tell the managers of a charge above the bound of their company, a day before it is made.

        A manager who is here needs no telling: they have just agreed to the amount they saw.

        :return: whether the charge waits
        """
        self.ensure_one()
        customer = self.subscription_id.commercial_partner_id
        if (self.managers_told_at or not customer.is_company or self._is_below_bound()
                or self.env.user.partner_id._may("manage", customer)):
            return self._waits_after_telling()
        self.managers_told_at = fields.Datetime.now()
        self.charge_at = self.managers_told_at + NOTICE
        # sudo: whoever acts, the managers are told; the queues belong to the system
        self.env.ref("subscription_billing.mail_template_large_charge").sudo().send_mail_batch(
            self.ids)
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        self.env.ref("subscription_billing.ir_cron_charge").sudo()._trigger(self.charge_at)
        return True

    def _waits_after_telling(self):
        self.ensure_one()
        return bool(self.managers_told_at and self.state == "invoiced"
                    and self.managers_told_at + NOTICE > fields.Datetime.now())

    def _is_below_bound(self):
        """Compare what is charged with the bound of the customer, in the invoice's currency.

        The first invoice has none: who subscribes sees its amount.
        """
        bound = self.subscription_id.commercial_partner_id.charge_bound
        if not bound:
            last = self.invoice_id.search([
                ("commercial_partner_id", "=", self.subscription_id.commercial_partner_id.id),
                ("company_id", "=", self.company_id.id), ("state", "=", "posted"),
                ("currency_id", "=", self.currency_id.id), ("move_type", "=", "out_invoice"),
                ("id", "<", self.invoice_id.id)], order="id desc", limit=1)
            bound = 2 * last.amount_total
        return not bound or self.currency_id.compare_amounts(
            self.invoice_id.amount_residual, bound) <= 0

    def _managers_to_tell(self):
        """Return the managers of the company, or the company itself where only it signs in."""
        customer = self.subscription_id.commercial_partner_id
        return customer.may_manage_ids - customer or customer

    def _large_charge_sentence(self):
        """Say when the charge is made and who was told, to who asked for it."""
        self.ensure_one()
        return self.env._(
            "The charge of %(amount)s is larger than usual for %(company)s. Its managers were "
            "told; it is made on %(date)s.",
            amount=formatLang(
                self.env, self.invoice_id.amount_residual, currency_obj=self.currency_id),
            company=self.subscription_id.commercial_partner_id.name,
            date=format_datetime(
                self.env, self.charge_at, tz=self.subscription_id.tz, dt_format="short"))
