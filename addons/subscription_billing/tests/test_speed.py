"""What a renewal costs the database."""

from datetime import date

from odoo.tests import tagged

from .common import SubscriptionCommon


@tagged("post_install", "-at_install")
class TestSpeed(SubscriptionCommon):

    def queries_of_batch(self, size, day):
        """Count the queries of one batch of renewals of customers nobody has read yet."""
        customers = self.env["res.partner"].concat(
            *(self.make_customer(f"Customer {size}.{number}") for number in range(size)))
        subscriptions = self.env["subscription.subscription"].create([{
            "partner_id": customer.id, "plan_id": self.pro.id,
            "price_id": self.pro.price_ids.id} for customer in customers])
        subscriptions.write({"state": "active", "anchor_date": day, "next_date": day})
        self.env.flush_all()
        self.env.invalidate_all()
        run = self.env["subscription.run"].create({})
        with self.at(day):
            before = self.cr.sql_log_count
            run._do_batch(size)
            self.env.flush_all()
            count = self.cr.sql_log_count - before
        self.assertEqual(run.billed_count, size)
        return count

    def test_at_most_four_queries_an_invoice(self):
        """Beside what a batch costs whatever its size; in all, at most the 8 of the issue."""
        self.pro.taxes_id = self.make_tax(20)
        self.queries_of_batch(1, date(2027, 1, 1))  # caches of the server
        small = self.queries_of_batch(5, date(2027, 1, 2))
        large = self.queries_of_batch(25, date(2027, 1, 3))
        self.assertLessEqual((large - small) / 20, 4)
        self.assertLessEqual(large / 25, 12)  # of a batch of 25; it is 3 with one of 200
