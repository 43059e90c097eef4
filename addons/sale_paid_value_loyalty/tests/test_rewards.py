from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.sale_paid_value.tests.common import PaidValueCommon


@tagged("post_install", "-at_install")
class TestRewards(PaidValueCommon):
    """Rewards lower the lines that their programme is about; gift cards lower none."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["loyalty.program"].search([]).active = False

    def promote(self, **reward):
        return self.env["loyalty.program"].create({
            "name": "Promotion", "program_type": "promotion", "trigger": "auto",
            "applies_on": "current", "rule_ids": [Command.create({})],
            "reward_ids": [Command.create({
                "reward_type": "discount", "discount_mode": "percent", "discount": 20,
                "required_points": 1, **reward})]})

    def claim(self, order, program, code=None):
        order._update_programs_and_rewards()
        [card] = order._try_apply_code(code) if code else order._get_claimable_rewards()
        self.assertFalse(order._apply_program_reward(program.reward_ids, card))
        order._update_programs_and_rewards()

    def everywhere(self, order, expected):
        self.assertEqual(self.paid(order), expected)
        invoice = self.invoice(order)
        self.assertEqual(self.paid(invoice), expected)
        self.assertEqual(self.paid(self.credit_note(invoice)), expected)

    def test_percentage_of_the_order(self):
        order = self.order((100, self.vat20), (50, self.vat10))
        self.claim(order, self.promote(discount_applicability="order"))
        self.everywhere(order, [80.0, 40.0])

    def test_amount_off_the_order(self):
        order = self.order((100, None), (50, None))
        self.claim(order, self.promote(
            discount_applicability="order", discount_mode="per_order", discount=30))
        self.everywhere(order, [80.0, 40.0])

    def test_products_of_the_programme_only(self):
        order = self.order((100, None), (50, None))
        self.claim(order, self.promote(
            discount_applicability="specific", discount_product_ids=self.products[1].ids))
        self.everywhere(order, [100.0, 40.0])

    def test_cheapest_line(self):
        order = self.order((100, None), (50, None))
        self.claim(order, self.promote(discount_applicability="cheapest"))
        self.everywhere(order, [100.0, 40.0])

    def test_reward_beside_the_discount_wizard(self):
        order = self.order((100, None), (50, None))
        self.claim(order, self.promote(
            discount_applicability="specific", discount_product_ids=self.products[1].ids))
        self.discount(order, percentage=0.5)
        self.everywhere(order, [50.0, 20.0])

    def test_free_product(self):
        """Two bought, a third one for nothing: the reward is a line of its own."""
        order = self.order((100, None))
        program = self.promote(
            reward_type="product", reward_product_id=self.products[0].id)
        self.claim(order, program)
        self.assertEqual(len(order.order_line), 2)
        self.everywhere(order, [100.0, 0.0])

    def test_gift_card_is_a_payment(self):
        order = self.order((100, None), (50, None))
        program = self.env["loyalty.program"].create({
            "name": "Gift cards", "program_type": "gift_card", "applies_on": "future",
            "trigger": "auto", "reward_ids": [Command.create({
                "reward_type": "discount", "discount_mode": "per_point", "discount": 1,
                "discount_applicability": "order", "required_points": 1})]})
        card = self.env["loyalty.card"].create({"program_id": program.id, "points": 60})
        self.claim(order, program, card.code)
        self.assertEqual(order.amount_total, 90.0)
        self.everywhere(order, [100.0, 50.0])
