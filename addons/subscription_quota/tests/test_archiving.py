"""What somebody pays for is neither archived nor deleted; the refusal names who, and a remedy."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common_quota import QuotaCommon


@tagged("post_install", "-at_install")
class TestArchiving(QuotaCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.firm = cls.env["res.company"].create({"name": "Agency of archives"})
        cls.policy = cls.env["dunning.policy"].create({"name": "Patient"})
        cls.setup = cls.env["product.product"].create({"name": "Set up", "type": "service"})
        cls.plan = cls.make_plan(
            "Logo", dunning_policy_id=cls.policy.id, setup_product_id=cls.setup.id,
            family_id=cls.env["subscription.family"].create({"name": "Logos"}).id)
        cls.limit(cls.plan, cls.scans, 100)
        cls.billed = cls.make_customer("Accounts")

    def setUp(self):
        super().setUp()
        self.subscription = self.subscribe(
            self.plan, date(2027, 1, 10), partner_invoice_id=self.billed.id)
        # A company whose books are not set up: what counts is that it has sold.
        self.elsewhere = self.active(
            self.starter, date(2027, 1, 10), company_id=self.firm.id)
        self.elsewhere.name = "SUB-ELSEWHERE"

    def things(self):
        """Return what the subscription stands on."""
        return [
            self.plan, self.plan.product_tmpl_id, self.plan.product_variant_id, self.scans,
            self.customer, self.billed, self.firm]

    def refused(self, act, *words):
        with self.assertRaises(UserError) as caught, self.cr.savepoint():
            act()
            self.env.flush_all()
        for word in words:
            self.assertIn(word, str(caught.exception))

    def assertKept(self, *things):
        """What was sold is archived when it is deleted (agency case 7)."""
        for thing in things:
            thing.unlink()
            self.assertTrue(thing.exists(), thing)
            self.assertFalse(thing.active, thing)

    def test_refused_while_it_runs(self):
        for thing in self.things():
            name = self.elsewhere.name if thing == self.firm else self.subscription.name
            for act in (thing.action_archive, thing.unlink):
                self.refused(act, f"{name} (Camille)")

    def test_archived_once_it_is_over(self):
        """Then it may be archived, but its history stays."""
        with self.at(date(2027, 1, 11)):
            (self.subscription + self.elsewhere)._end(reason="term")
        for thing in self.things():
            thing.action_archive()
            self.assertFalse(thing.active)
        for thing in (self.customer, self.billed, self.firm):
            self.refused(thing.unlink)
        template = self.plan.product_tmpl_id
        self.assertKept(self.plan, template,
                        template.with_context(active_test=False).product_variant_ids)

    def test_upcoming_counts(self):
        with self.at(date(2027, 1, 10)):
            other = self.make_plan("Later")
            subscription = self.draft(other, date(2027, 3, 1))
            subscription.action_start()
        self.refused(other.action_archive, subscription.name)

    def test_plan_of_a_planned_change(self):
        other = self.make_plan("Next", family_id=self.plan.family_id.id)
        with self.at(date(2027, 1, 12)):
            self.subscription._change(other.price_ids, timing="period_end")
        self.refused(other.action_archive, self.subscription.name)
        self.subscription._drop_planned_change()
        other.action_archive()
        self.assertKept(other, other.product_tmpl_id)  # its changes tell of the price

    def test_price(self):
        """Archived, it is offered no more, and who has it keeps it, with more or fewer seats."""
        price = self.plan.price_ids
        self.refused(price.unlink, self.subscription.name, "Archive it instead")
        price.action_archive()
        with self.at(date(2027, 1, 12)):
            self.subscription._change(quantity=2)
        self.run_due(date(2027, 2, 10))
        self.assertEqual(self.invoices(self.subscription)[-1].amount_untaxed, 200.0)

    def test_price_on_an_order(self):
        plan = self.make_plan("Quoted")
        order = self.env["sale.order"].create({
            "partner_id": self.customer.id, "order_line": [Command.create(
                {"product_id": plan.product_variant_id.id})]})
        self.refused(plan.price_ids.unlink, order.name)
        self.assertKept(plan, plan.product_tmpl_id)

    def test_family_and_policy(self):
        self.refused(self.plan.family_id.unlink, "Logo", "another family")
        self.refused(self.policy.unlink, "Logo", "another one")
        self.refused(self.policy.action_archive, "Logo", "another one")
        self.plan.dunning_policy_id = False
        self.policy.action_archive()
        family = self.env["subscription.family"].create({"name": "Tried once"})
        plan = self.make_plan("Tried", trial_days=7, family_id=family.id)
        trial = self.subscribe(plan, date(2027, 1, 10))
        plan.family_id = self.family
        self.refused(family.unlink, trial.name)

    def test_setup_service(self):
        for thing in (self.setup, self.setup.product_tmpl_id):
            self.refused(thing.unlink, "Logo")

    def test_service_of_a_plan_never_sold(self):
        plan = self.make_plan("Never sold")
        plan.product_tmpl_id.unlink()
        self.assertFalse(plan.exists())

    def test_metric_of_own_limits_and_extra_units(self):
        held, given = self.env["quota.metric"].create([
            {"name": "Seats", "code": "seats", "kind": "held"},
            {"name": "Calls", "code": "calls", "kind": "period"}])
        with self.at(date(2027, 1, 10)):
            self.env["quota.override"].create({
                "subscription_id": self.subscription.id, "metric_id": held.id, "limit_value": 5,
                "reason": "agreed"})
            self.subscription._quota_grant("calls", 10, "gift")
        for metric in (held, given):
            self.refused(metric.action_archive, self.subscription.name)
            self.refused(metric.unlink, self.subscription.name)
        with self.at(date(2027, 1, 11)):
            self.subscription._end(reason="term")
        self.refused(held.unlink, "Archive it instead")
        (held + given).action_archive()

    def test_metric_of_a_plan_without_subscribers(self):
        metric = self.env["quota.metric"].create({"name": "Rows", "code": "rows"})
        self.limit(self.make_plan("Nobody has it"), metric, 10)
        self.refused(metric.unlink, "Nobody has it")
        metric.action_archive()

    def test_unpublished(self):
        """Sold no more, and nothing changes for who has it."""
        self.plan.is_published = False
        self.run_due(date(2027, 2, 10))
        self.assertEqual(len(self.invoices(self.subscription)), 2)
        self.assertIn(self.plan.price_ids, self.subscription._prices_to_change_to())
