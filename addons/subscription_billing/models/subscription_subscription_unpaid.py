from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime

from odoo.addons.concurrency_base.tools import claim_in_order

from ..tools.feedback import say
from .subscription_period_unpaid import STAFF

ASK_AGAIN = timedelta(hours=1)  # a customer is not asked for a card twice within it
ASK_FOR_CARD = "subscription_billing.mail_template_ask_for_card"


class SubscriptionSubscription(models.Model):
    """The part of a subscription that staff work on while something of it is unpaid."""

    _inherit = "subscription.subscription"

    card_asked_at = fields.Datetime(
        string="Card asked for", readonly=True, copy=False, groups=STAFF,
        help="When the customer was last asked by mail to save another card (UTC).")
    unpaid_sentence = fields.Text(compute="_compute_unpaid_sentence", groups=STAFF)

    def _compute_unpaid_sentence(self):
        for subscription in self:
            subscription.unpaid_sentence = subscription._chased_periods()._chased_sentences()

    def _chased_periods(self):
        # sudo: the subscription's own, for whoever may see it
        periods = self.sudo().period_ids
        return periods.filtered_domain(periods._chased_domain()).sorted("date_start")

    def action_charge_now(self):
        """Charge the saved card again for all that is chased, and say what came of it.

        :raise UserError: why not
        """
        self._by_staff()
        chased = self._chased_periods()
        if not chased:
            raise UserError(self.env._("Nothing is unpaid any more."))
        return chased.sudo(False).action_charge_now()

    # A new card ---------------------------------------------------------------------------------

    def action_ask_for_card(self):
        """Ask the customers by mail to save another card, each once an hour at most.

        :raise UserError: none of them can be asked; says why
        """
        claim_in_order(self._by_staff())  # two clicks at once: the second one sees the first
        reasons = {each: each._why_not_to_ask_for_card() for each in self.sudo()}
        # sudo: see _by_staff
        asked = self.sudo().filtered(lambda each: not reasons[each])
        left = [reasons[each] for each in self.sudo() if reasons[each]]
        if not asked:
            raise UserError("\n".join(left))
        asked._ask_for_card()
        done = self.env._("Asked for a new card by mail: %(customers)s.", customers=", ".join(
            f"{each.partner_id.name} <{each.partner_id.email}>" for each in asked))
        return say("\n".join([done, *left]), "warning" if left else "success")

    def _why_not_to_ask_for_card(self):
        """Say why the customer is not asked for a card now; None when they may be."""
        self.ensure_one()
        names = {"customer": self.partner_id.name, "subscription": self.name}
        if self.state == "ended" or self._is_past_end():  # a card would be charged for nothing
            return self.env._(
                "%(subscription)s has ended: another card of %(customer)s would not be charged. "
                "Open the unpaid invoice and send it again: it is paid by the link in that mail.",
                **names)
        if not self.partner_id.email:
            return self.env._(
                "%(customer)s has no e-mail address. Add one to the contact.", **names)
        if self.card_asked_at and self.card_asked_at > fields.Datetime.now() - ASK_AGAIN:
            return self.env._(
                "%(customer)s was asked for a card of %(subscription)s already, on %(date)s. Ask "
                "again an hour later at the soonest.", **names, date=format_datetime(
                    self.env, self.card_asked_at, dt_format="short"))
        if not self._card_providers():
            return self.env._(
                "No provider that saves cards is switched on for %(company)s: %(customer)s has "
                "nowhere to save one. Look at Accounting › Configuration › Payment Providers.",
                **names, company=self.company_id.name)
        return None

    def _card_providers(self):
        """Return the payment providers with which this customer can save a card."""
        # sudo: staff may not read providers; whether there is one is all that is told
        return self.env["payment.provider"].sudo()._get_compatible_providers(
            self.company_id.id, self.partner_id.id,
            sum(self._invoices_to_pay().mapped("amount_residual")),
            currency_id=self.currency_id.id, force_tokenization=True)

    def _ask_for_card(self):
        """Send the mails, and say so in the chatter."""
        self.card_asked_at = fields.Datetime.now()
        self._send_mail(ASK_FOR_CARD)
        for subscription in self:
            subscription.message_post(body=subscription.env._(
                "A new card was asked for by mail: %(email)s",
                email=subscription.partner_id.email))

    def _card_page_url(self):
        """Return the address of the page on which the customer saves a card.

        It is the page that pays all that is due with the card; when nothing is, the page of
        means of payment. Who has no account yet makes one on the way, for this contact.
        """
        self.ensure_one()
        due = self.state != "ended" and self._invoices_to_pay()
        path = f"/my/subscriptions/{self.id}/pay" if due else "/my/payment_method"
        partner = self.partner_id.sudo()  # sudo: the link is sent to the contact itself
        if partner.user_ids:
            return f"{self.company_id.get_base_url()}{path}"
        return partner.with_context(signup_valid=True, create_user=True)\
            ._get_signup_url_for_action(url=path)[partner.id]
