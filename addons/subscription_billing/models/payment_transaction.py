from odoo import fields, models

DECLINE_KINDS = [
    ("soft", "May work later"),
    ("hard", "Refused for good"),
    ("authentication", "The customer has to authenticate"),
]


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    subscription_period_id = fields.Many2one(
        "subscription.period", readonly=True, index="btree_not_null", ondelete="restrict",
        help="The period of a subscription that this attempt is to pay.")
    card_subscription_id = fields.Many2one(
        "subscription.subscription", readonly=True, index="btree_not_null", ondelete="restrict",
        help="The customer wants the card of this payment to pay the renewals of it.")
    decline_kind = fields.Selection(
        DECLINE_KINDS, readonly=True, help="Whether trying the same card again makes sense.")

    def _update_state(self, allowed_states, target_state, state_message):
        """A refused charge makes its subscription past due, once a transaction."""
        changed = super()._update_state(allowed_states, target_state, state_message)
        if target_state in ("error", "cancel"):
            for transaction in changed.filtered("subscription_period_id"):
                transaction.decline_kind = transaction._decline_kind()
                transaction.subscription_period_id._charge_failed(
                    transaction.state_message or transaction.provider_id.name)
        return changed

    def _decline_kind(self):
        """Why the charge was refused; providers that tell reasons extend this.

        :return: one of DECLINE_KINDS; without a reason the card may work later
        """
        return "soft"

    def _post_process(self):
        """The means of payment saved while subscribing pays the renewals."""
        result = super()._post_process()
        for transaction in self.filtered(
                lambda transaction: transaction.state == "done" and transaction.token_id):
            transaction._subscription_keep_token()
        return result

    def _subscription_keep_token(self):
        owner = self.token_id.partner_id.commercial_partner_id
        lines = self.sale_order_ids.order_line
        periods = self.invoice_ids.invoice_line_ids.subscription_period_id
        subscriptions = lines.subscription_ids | periods.subscription_id
        if self.operation == "validation":  # a card saved on the page of means of payment
            subscriptions |= subscriptions.search(
                [("commercial_partner_id", "=", owner.id), ("token_id", "!=", False),
                 ("state", "in", subscriptions._LIVE_STATES)])
        chosen = subscriptions.filtered(lambda subscription: subscription._wants_token())
        (chosen | self.card_subscription_id).filtered(
            lambda subscription: subscription.commercial_partner_id == owner
        ).token_id = self.token_id
