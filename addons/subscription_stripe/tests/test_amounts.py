"""Amounts as Stripe takes them: minimum, decimals, and three decimals that end in 0."""

from odoo.fields import Command
from odoo.tests import TransactionCase, tagged

from .. import const
from ..models.stripe_balance_transaction import to_major_units
from .common import StripeCommon


@tagged("post_install", "-at_install")
class TestAmounts(StripeCommon, TransactionCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.currency_id = cls.euro = cls.env.ref("base.EUR")

    def currency(self, name, per_euro=1.0):
        currency = self.env.ref(f"base.{name}")
        currency.active = True
        self.env["res.currency.rate"].search([("currency_id", "=", currency.id)]).unlink()
        self.env["res.currency.rate"].create({
            "currency_id": currency.id, "company_id": self.company.id, "name": "2020-01-01",
            "rate": per_euro})
        return currency

    def asked(self, amount, currency, **vals):
        """Return the amount of the transaction, and what Stripe is asked for."""
        transaction = self.transaction(
            f"S-{currency.name}-{amount}", amount=amount, currency_id=currency.id, **vals)
        payload = transaction._stripe_minor_amount()
        return transaction.amount, payload

    def test_minimum(self):
        self.assertEqual(self.provider._minimum_amount(self.euro), 0.5)
        self.assertEqual(self.provider._chargeable_amount(0.49, self.euro), 0.0)
        self.assertEqual(self.provider._chargeable_amount(0.5, self.euro), 0.5)
        yen = self.currency("JPY", 160.0)
        self.assertEqual(self.provider._chargeable_amount(79, yen), 0.0)  # 0.49 euro
        self.assertEqual(self.provider._chargeable_amount(80, yen), 80.0)
        cheap = self.currency("JPY", 60.0)  # Stripe's own minimum is higher than that
        self.assertEqual(self.provider._minimum_amount(cheap), 50.0)
        unlisted = self.currency("KES", 130.0)
        self.assertEqual(self.provider._minimum_amount(unlisted), 65.0)
        demo = self.env.ref("payment.payment_provider_demo")
        self.assertEqual(demo._minimum_amount(self.euro), 0.0)

    def test_minimum_of_every_listed_currency_is_one_of_odoo(self):
        known = self.env["res.currency"].with_context(active_test=False).search(
            [("name", "in", list(const.MINIMUM_AMOUNTS))])
        self.assertEqual(len(known), len(const.MINIMUM_AMOUNTS))

    def test_decimals(self):
        """(shown, asked for): cents, whole yen, and three decimals that end in 0."""
        for name, amount, charged, minor in (
                ("EUR", 12.34, 12.34, 1234), ("JPY", 1234, 1234, 1234),
                ("KWD", 12.345, 12.34, 12340), ("KWD", 12.34, 12.34, 12340),
                ("TND", 0.999, 0.99, 990), ("ISK", 1500, 1500, 150000),
                ("UGX", 2500, 2500, 250000), ("MGA", 1234.5, 1234, 1234)):
            with self.subTest(currency=name, amount=amount):
                currency = self.euro if name == "EUR" else self.currency(name)
                self.assertEqual(self.asked(amount, currency), (charged, minor))
                self.assertEqual(to_major_units(minor, currency), charged)

    def test_orders_are_paid_in_full(self):
        """Rounded up: an order that is short of some fils would never be confirmed."""
        order = self.env["sale.order"].create({"partner_id": self.customer.id})
        self.assertEqual(
            self.asked(12.341, self.currency("KWD"), sale_order_ids=[Command.set(order.ids)]),
            (12.35, 12350))

    def test_refunds(self):
        source = self.transaction(
            "S-KWD", amount=12.34, currency_id=self.currency("KWD").id,
            provider_reference="pi_kwd", state="done")
        child = source._create_child_transaction(5.005, is_refund=True)
        self.assertEqual((child.amount, child._stripe_minor_amount()), (-5.0, 5000))

    def test_recorded_as_stripe_has_it(self):
        """A movement of the balance in three decimals adds up, and a wrong one does not."""
        self.currency("KWD")
        rows = self.env["stripe.balance.transaction"]._record_movements(self.provider, [{
            "id": "txn_kwd", "source": "ch_kwd", "created": 1_790_000_000, "type": "charge",
            "currency": "kwd", "amount": 12340, "fee": 558, "net": 11782}])
        self.assertEqual((rows.amount, rows.fee, rows.net), (12.34, 0.558, 11.782))


@tagged("post_install", "-at_install")
class TestSharedAccount(StripeCommon, TransactionCase):
    """Two companies, or two databases, have one account at Stripe."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.env["res.company"].create({"name": "Other"})
        cls.theirs = cls.provider.copy({"company_id": cls.other.id})
        cls.theirs.write({
            "state": "test",
            "stripe_secret_key": "sk_test_x", "stripe_publishable_key": "pk_test_x",
            "stripe_webhook_secret": cls.provider.stripe_webhook_secret})
        cls.paid = cls.transaction("S-THEIRS", provider_id=cls.theirs.id,
                                   provider_reference="pi_theirs", state="done")

    def addressees(self, kind, **about):
        event = self.event(kind, about)
        return self.env["stripe.event"]._addressees(self.provider + self.theirs, event)

    def test_events_reach_whose_payment_it_is(self):
        for about in (
                {"id": "pi_theirs"}, {"id": "du_1", "payment_intent": "pi_theirs"},
                {"id": "re_1", "metadata": {"odoo_reference": "S-THEIRS"}},
                {"id": "pi_2", "description": "S-THEIRS"}):
            with self.subTest(**about):
                self.assertEqual(self.addressees("charge.dispute.created", **about), self.theirs)

    def test_events_of_no_payment_reach_both(self):
        for about in ({"id": "pm_1"}, {"id": "cus_1", "metadata": []}, {"id": "a\0b"}):
            self.assertEqual(
                self.addressees("customer.updated", **about), self.provider + self.theirs)

    def movement(self, ref, kind="charge", source=None, net=980):
        return {"id": ref, "source": source or f"ch_{ref}", "created": 1_790_000_000,
                "type": kind, "currency": "eur", "amount": 1000, "fee": 1000 - net, "net": net}

    def test_movements_are_booked_once(self):
        objects = [
            self.movement("ours", source={"id": "ch_1", "payment_intent": "pi_ours"}),
            self.movement("theirs", source={"id": "ch_2", "payment_intent": "pi_theirs"}),
            self.movement("elsewhere", source={
                "id": "ch_3", "payment_intent": "pi_3", "metadata": {"odoo_database": "another"}}),
            self.movement("fee", "stripe_fee"), self.movement("payout", "payout")]
        model = self.env["stripe.balance.transaction"]
        self.assertEqual(
            model._record_movements(self.provider, objects).sorted("id").mapped("ref"),
            ["ours", "fee", "payout"])
        # What is in neither company is compared by the other one, too.
        self.assertEqual(
            set(model._record_movements(self.theirs, objects[1:]).mapped("ref")), {"theirs"})
        self.provider.stripe_is_account_booked = False
        self.assertEqual(
            set(model._record_movements(self.theirs, objects[1:]).mapped("ref")),
            {"theirs", "fee", "payout"})

    def test_an_account_of_its_own_is_booked(self):
        self.theirs.stripe_secret_key = "sk_test_other"
        self.assertTrue(self.provider._stripe_books_account())
        self.assertTrue(self.theirs._stripe_books_account())
