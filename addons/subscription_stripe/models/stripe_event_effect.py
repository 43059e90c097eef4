from odoo import models

from .. import const
from ..exceptions import EventIgnored, StripeRefused


class StripeEvent(models.Model):
    """The effects of Stripe's events.

    An event only says where to look: Stripe delivers late, twice and in any order
    (https://docs.stripe.com/webhooks#event-ordering), so the transaction is locked, then the
    object is fetched as it is now, and Odoo's own ``_process`` acts upon that.
    """

    _inherit = "stripe.event"

    def _stripe_effects(self):
        """Map the kinds of events that are acted upon to their effects. Extension point.

        :return: dict of a kind to a method's name, called with the event's object and returning
            the transactions concerned
        """
        return {
            **dict.fromkeys(const.PAYMENT_EVENTS, "_effect_of_payment"),
            **dict.fromkeys(const.SETUP_EVENTS, "_effect_of_setup"),
            "charge.refunded": "_effect_of_charge",
            **dict.fromkeys(const.REFUND_EVENTS, "_effect_of_refund"),
            **dict.fromkeys(const.CARD_EVENTS, "_effect_of_card"),
            **dict.fromkeys(const.DISPUTE_EVENTS, "_effect_of_dispute"),
            "customer.updated": "_effect_of_customer_cards",
            "customer.deleted": "_effect_of_customer",
        }

    def _effect_of_payment(self, stripe_object):
        transaction = self._transaction_of(stripe_object)
        self._take_payment(transaction, stripe_object["id"])
        return transaction

    def _take_payment(self, transaction, intent_id):
        transaction._stripe_lock()
        intent = self._fetch(f"payment_intents/{intent_id}", expand="payment_method")
        transaction._stripe_check_amount(intent)
        transaction._stripe_apply_intent(intent)

    def _effect_of_setup(self, stripe_object):
        transaction = self._transaction_of(stripe_object)
        transaction._stripe_lock()
        intent = self._fetch(f"setup_intents/{stripe_object['id']}", expand="payment_method")
        transaction._process("stripe", {
            "reference": transaction.reference, "setup_intent": intent,
            "payment_method": intent["payment_method"]})
        return transaction

    def _effect_of_charge(self, stripe_object):
        """Record the refunds of a charge, made here or at Stripe, that are not recorded yet."""
        source = self._paid_source(stripe_object)
        refunds = list(self.provider_id._stripe_list("refunds", charge=stripe_object["id"]))
        children = source.browse()
        for refund in reversed(refunds):  # oldest first
            children |= source._stripe_take_refund(refund)
        return children

    def _effect_of_refund(self, stripe_object):
        refund = self._fetch(f"refunds/{stripe_object['id']}")
        return self._paid_source(refund)._stripe_take_refund(refund)

    def _paid_source(self, stripe_object):
        """Return the payment that a charge or refund belongs to, as it is now.

        It is recorded and posted first: the refund may be told before the payment, and Odoo posts
        no payment that has a refund already.
        """
        intent_id = stripe_object.get("payment_intent")
        if not intent_id:
            raise EventIgnored(self.env._("Not paid by way of Odoo."))
        source = self.env["payment.transaction"].search([
            ("provider_id", "=", self.provider_id.id), ("operation", "!=", "refund"),
            ("provider_reference", "=", intent_id)], limit=1)
        source = source or self._transaction_of(self._fetch(f"payment_intents/{intent_id}"))
        self._take_payment(source, intent_id)
        if not source.is_post_processed:
            source._post_process()
        return source

    def _effect_of_dispute(self, stripe_object):
        """Record a dispute when the holder's bank contests a payment, or has decided."""
        source = self._paid_source(stripe_object)
        self.env["payment.dispute"]._record_state(
            source, self._fetch(f"disputes/{stripe_object['id']}"))
        return source

    def _effect_of_card(self, stripe_object):
        """Update a card that its bank has replaced; archive one that was taken away from its
        customer.
        """
        tokens = self._find_tokens([("stripe_payment_method", "=", stripe_object["id"])])
        try:
            method = self._fetch(f"payment_methods/{stripe_object['id']}")
        except StripeRefused:
            method = {}  # gone
        if method.get("customer"):
            tokens._stripe_update_card(method)
        else:
            tokens.active = False
        return self.env["payment.transaction"]

    def _effect_of_customer_cards(self, stripe_object):
        """Replace the cards of a customer changed at Stripe by those they have there.

        Names and addresses are Odoo's.
        """
        tokens = self._find_tokens([("provider_ref", "=", stripe_object["id"])])
        methods = {method["id"]: method for method in self.provider_id._stripe_list(
            f"customers/{stripe_object['id']}/payment_methods", type="card")}
        for token in tokens:
            if method := methods.get(token.stripe_payment_method):
                token._stripe_update_card(method)
            elif (kind := token.payment_method_id) and (
                    kind.primary_payment_method_id or kind).code == "card":
                token.active = False
        return self.env["payment.transaction"]

    def _effect_of_customer(self, stripe_object):
        """Archive the cards of a customer deleted at Stripe, who cannot come back."""
        self._find_tokens([("provider_ref", "=", stripe_object["id"])]).active = False
        return self.env["payment.transaction"]

    # What an event is about -----------------------------------------------------------------------

    def _fetch(self, endpoint, expand=None):
        """Fetch an object of Stripe as it is now."""
        params = {"expand[]": expand} if expand else None
        return self.provider_id._send_api_request("GET", endpoint, params=params)

    def _find_tokens(self, domain):
        """Find the saved means of payment that are meant.

        :raise EventIgnored: no saved means of payment is meant
        """
        tokens = self.env["payment.token"].search(
            [("provider_id", "=", self.provider_id.id), *domain])
        if not tokens:
            raise EventIgnored(self.env._("No means of payment saved here."))
        return tokens

    def _transaction_of(self, stripe_object):
        """Return the transaction that an object was made for.

        :raise EventIgnored: it was made by another program, or by another database with the same
            Stripe account
        :raise UserError: it was made by us and is not there (yet): to be tried again
        """
        metadata = stripe_object.get("metadata") or {}
        reference = metadata.get("odoo_reference") or stripe_object.get("description")
        # sudo: the database's name for itself, no setting
        here = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        if metadata.get("odoo_database", here) != here:
            raise EventIgnored(self.env._("Made by another database with the same account."))
        transaction = self.env["payment.transaction"].search([
            ("provider_id.code", "=", "stripe"), ("reference", "=", reference or "-")])
        if transaction.provider_id == self.provider_id:
            return transaction
        if transaction or "odoo_database" not in metadata:
            raise EventIgnored(self.env._("No transaction of this provider."))
        raise self._not_there_yet(reference)
