from datetime import date

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import SubscriptionCommon


@tagged("post_install", "-at_install")
class TestByHand(SubscriptionCommon):
    """The guard of a subscription names what may be written; all else is the engine's."""

    def test_running_subscription(self):
        """Every stored field that is not named is refused, whoever writes it."""
        subscription = self.subscribe(self.starter, date(2027, 1, 10))
        administrator = self.env.ref("base.user_admin")
        may = subscription._by_hand() - subscription._TERMS
        for name, field in subscription._fields.items():
            if field.store and field.type != "one2many" and name not in may:
                for user in (self.manager, administrator):
                    with self.subTest(field=name), self.assertRaises(AccessError):
                        subscription.with_user(user).write({name: subscription.read(
                            [name], load=None)[0][name]})
        stranger = self.make_customer("Stranger")
        for vals in ({"commercial_partner_id": stranger.id}, {"name": "X"}, {"mrr": 1e6},
                     {"next_run_at": False}, {"currency_id": self.env.ref("base.USD").id}):
            with self.subTest(vals=vals), self.assertRaisesRegex(AccessError, "by hand"):
                subscription.with_user(self.manager).write(vals)
        subscription.with_user(self.manager).write({"user_id": self.user.id, "discount": 10})
        self.assertEqual((subscription.commercial_partner_id, subscription.discount),
                         (self.customer, 10))

    def test_prices_are_the_managers(self):
        """As the form shows them to managers only."""
        running = self.subscribe(self.starter, date(2027, 1, 10)).with_user(self.user)
        draft = self.draft(self.starter).with_user(self.user)
        for subscription in (running, draft):
            for name in ("unit_price", "discount"):
                with self.assertRaises(AccessError):
                    subscription.write({name: 1})
        with self.assertRaises(AccessError):
            draft.trial_days = 300
        draft.quantity = 3
        vals = {"partner_id": self.customer.id, "plan_id": self.starter.id,
                "price_id": self.starter.price_ids.id}
        with self.assertRaises(AccessError):
            draft.create({**vals, "unit_price": 1})
        made = draft.with_context(
            default_name="Mine", default_state="active", default_mrr=9).create(vals)
        self.assertEqual((made.state, made.mrr, made.unit_price), ("draft", 0, 100))
        self.assertNotEqual(made.name, "Mine")
