import time

from odoo import fields

from odoo.addons.subscription_billing.tests.common import SubscriptionCommon

from .common import StripeCommon

DAY = 86400


class DisputeCommon(StripeCommon, SubscriptionCommon):
    """A subscription whose first period was paid by a saved card of Stripe: 100.00."""

    taxes = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer("Camille")
        cls.card = cls.env["payment.token"].create({
            "provider_id": cls.provider.id, "partner_id": cls.customer.id,
            "payment_method_id": cls.env.ref("payment.payment_method_card").id,
            "provider_ref": "cus_1", "stripe_payment_method": "pm_1", "payment_details": "4242"})
        cls.subscription = cls.draft(cls.make_plan("SEO", 100.0, taxes=cls.make_taxes()))
        cls.subscription.action_start()
        cls.subscription.token_id = cls.card
        cls.period = cls.subscription.period_ids
        cls.invoice = cls.period.invoice_id
        cls.paid = cls.transaction(
            cls.period._charge_reference(1), amount=cls.invoice.amount_total, token_id=cls.card.id,
            operation="offline", invoice_ids=[(6, 0, cls.invoice.ids)],
            subscription_period_id=cls.period.id, provider_reference="pi_1")
        cls.paid._set_done()
        cls.paid._post_process()
        cls.env["mail.mail"].search([]).unlink()

    @classmethod
    def make_taxes(cls):
        return ()

    def theirs(self, status="needs_response", amount=10000, moves=("out",), **values):
        """Return a dispute as Stripe words it.

        :param moves: "out" for the money taken, "back" for the money returned
        """
        movements = {"out": (-amount, 2000, "dispute"), "back": (amount, 0, "dispute_reversal")}
        return {
            "id": "du_1", "object": "dispute", "amount": amount, "currency": "eur",
            "payment_intent": "pi_1", "reason": "fraudulent", "status": status,
            "evidence_details": {"due_by": int(time.time()) + 7 * DAY, "submission_count": 0},
            "payment_method_details": {"card": {"network_reason_code": "10.4"}},
            "balance_transactions": [
                self.movement(f"txn_{name}", *movements[name][:2], "adjustment",
                              reporting_category=movements[name][2], source="du_1")
                for name in moves],
            **values}

    def movement(self, ref, amount, fee=0, kind="charge", **values):
        return {
            "id": ref, "object": "balance_transaction", "amount": amount, "fee": fee,
            "net": amount - fee, "type": kind, "currency": "eur", "created": int(time.time()),
            "source": "ch_1", "description": None, **values}

    def contest(self, *arguments, **values):
        """Record a dispute as an event tells of it."""
        return self.env["payment.dispute"]._record_state(
            self.paid, self.theirs(*arguments, **values))

    def booked(self, moves):
        """Sum the balances by the first digits of the accounts."""
        balances = {}
        for line in moves.line_ids:
            code = "stripe" if line.account_id == self.provider._stripe_account() \
                else line.account_id.code[:3]
            balances[code] = round(balances.get(code, 0) + line.balance, 2)
        return {code: balance for code, balance in balances.items() if balance}

    def told(self, partner):
        return self.mails_to(partner).mapped("subject")

    def another_period(self):
        """Invoice the next period, about to be charged."""
        [period] = self.subscription._renew()
        self.assertTrue(period.charge_at)
        return period

    def charge(self):
        with self.enter_registry_test_mode():
            self.env.ref("subscription_billing.ir_cron_charge").method_direct_trigger()

    today = staticmethod(fields.Date.today)
