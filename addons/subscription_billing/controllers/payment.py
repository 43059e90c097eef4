from odoo import http
from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.http import request

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment.controllers.portal import PaymentPortal

from .portal import SubscriptionPortal


class SubscriptionPayment(SubscriptionPortal, PaymentPortal):
    """The page that pays all that is due with a new card, which then pays the renewals.

    The form and what follows the payment are Odoo's.
    """

    @http.route("/my/subscriptions/<int:subscription_id>/pay", type="http", auth="user",
                methods=["GET"], website=True)
    def portal_pay(self, subscription_id, **kw):
        """Show the form to pay all that is due by a new card."""
        subscription = self._find_own(subscription_id)
        subscription._use_outstanding_credits()
        due = subscription._invoices_to_pay()
        if not due:  # paid meanwhile
            return self._go_back(subscription)
        return self._render_page(
            "subscription_billing.portal_pay", subscription, due=due,
            **self._new_card_form(subscription, due))

    def _new_card_form(self, subscription, due):
        """Prepare Odoo's payment form with the ways of paying that can be saved."""
        partner, currency = request.env.user.partner_id, subscription.currency_id
        amount, report = currency.round(sum(due.mapped("amount_residual"))), {}
        providers = self._providers_that_save(subscription, amount, report)
        # sudo: customers may not read means of payment; the form shows them
        methods = request.env["payment.method"].sudo()._get_compatible_payment_methods(
            providers.ids, partner.id, currency_id=currency.id, force_tokenization=True,
            report=report)
        return {
            "amount": amount, "currency": currency, "partner_id": partner.id,
            "providers_sudo": providers, "payment_methods_sudo": methods,
            "tokens_sudo": request.env["payment.token"], "availability_report": report,
            "show_tokenize_input_mapping": self._compute_show_tokenize_input_mapping(
                providers, subscription_id=subscription.id),
            "transaction_route": f"/my/subscriptions/{subscription.id}/transaction",
            "landing_route": f"/my/subscriptions/{subscription.id}",
            "access_token": payment_utils.generate_access_token(
                partner.id, amount, currency.id),
        }

    def _create_transaction(self, *args, custom_create_values=None, **kwargs):
        """Take the money of a subscription's invoice, or of an order, once.

        Another tab may be open on the same page or on another one that pays the same.

        :raise UserError: a payment is under way, or nothing is due any more
        """
        # sudo: the customer's own documents, which the caller has checked
        transactions = request.env["payment.transaction"].sudo()
        for name in ("invoice_ids", "sale_order_ids"):
            field = transactions._fields[name]
            ids = field.convert_to_cache((custom_create_values or {}).get(name), transactions)
            transactions.env[field.comodel_name].browse(ids)._make_room_for_payment()
        return super()._create_transaction(
            *args, custom_create_values=custom_create_values, **kwargs)

    @http.route("/my/subscriptions/<int:subscription_id>/transaction", type="jsonrpc",
                auth="user")
    def portal_pay_transaction(self, subscription_id, amount, access_token, **kwargs):
        """Start the payment of all that is due, for exactly the amount shown.

        :raise ValidationError: something else is due by now
        """
        self._validate_transaction_kwargs(kwargs)
        subscription = self._find_own(subscription_id)
        partner, currency = request.env.user.partner_id, subscription.currency_id
        subscription._use_outstanding_credits()
        due = subscription._invoices_to_pay(lock=True)
        amount = self._cast_as_float(amount)
        if not payment_utils.check_access_token(
                access_token, partner.id, amount, currency.id) or currency.compare_amounts(
                    amount, sum(due.mapped("amount_residual"))):
            raise ValidationError(request.env._(
                "What is due has changed since this page was shown. Reload it."))
        transaction = self._create_transaction(
            amount=amount, currency_id=currency.id, partner_id=partner.id,
            subscription_id=subscription.id,  # its card is saved
            custom_create_values={
                "invoice_ids": [Command.set(due.ids)],
                "card_subscription_id": subscription.id,
            }, **kwargs)
        return transaction._get_processing_values()
