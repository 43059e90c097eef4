from odoo.tests import TransactionCase, tagged

from odoo.addons.concurrency_base.tools import withdraw_products


@tagged("post_install", "-at_install")
class TestWithdrawn(TransactionCase):
    """Products that nothing delivers any more are off the shop, and somebody is told of each."""

    def test_listed_for_the_administrator(self):
        products = self.env["product.template"].create([
            {"name": name, "type": "service", "active": active, "is_published": True}
            for name, active in (("Pack", True), ("Plan", True), ("Gone", False))])
        withdraw_products(products)
        self.assertFalse(any(products.mapped("is_published")))
        self.assertEqual(products.mapped("service_tracking"), ["no"] * 3)
        told = products.activity_ids
        self.assertEqual(sorted(told.mapped("res_name")), ["Pack", "Plan"])
        self.assertEqual(told.user_id, self.env.ref("base.user_admin"))
