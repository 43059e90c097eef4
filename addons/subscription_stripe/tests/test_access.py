"""Accountants and administrators see what Stripe tells; nobody else."""

from odoo.exceptions import AccessError
from odoo.tests import TransactionCase, new_test_user, tagged

from .common import StripeCommon


@tagged("post_install", "-at_install")
class TestAccess(StripeCommon, TransactionCase):

    def setUp(self):
        super().setUp()
        self.kept = self.keep(self.event())
        self.difference = self.env["stripe.difference"].create({
            "provider_id": self.provider.id, "company_id": self.company.id,
            "kind": "unknown_here", "object_ref": "pi_1"})

    def records(self, user):
        return [self.kept.with_user(user), self.difference.with_user(user),
                self.env["stripe.health"].with_user(user)]

    def test_others_see_nothing(self):
        portal = new_test_user(self.env, "stripe_portal", "base.group_portal")
        for user in (self.clerk, portal, self.env.ref("base.public_user")):
            for record in self.records(user):
                with self.assertRaises(AccessError):
                    record.search([])
            with self.assertRaises(AccessError):
                self.kept.with_user(user).action_replay()
            with self.assertRaises(AccessError):
                self.kept.with_user(user).action_ignore()
            with self.assertRaises(AccessError):
                self.difference.with_user(user).action_accept()
            with self.assertRaises(AccessError):
                self.difference.with_user(user).action_take_over()

    def test_accountant_reads_and_writes_nothing(self):
        kept, difference, health = self.records(self.accountant)
        self.assertTrue(kept.body and difference.kind and health.search([]))
        for record in (kept, difference):
            with self.assertRaises(AccessError):
                record.write({"state": "done"})
            with self.assertRaises(AccessError):
                record.unlink()
        with self.assertRaises(AccessError):
            kept.create({"provider_id": self.provider.id})

    def test_accountant_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        theirs = new_test_user(
            self.env, "their_accountant", "base.group_user,account.group_account_manager",
            company_id=other.id, company_ids=[(6, 0, other.ids)])
        for record in self.records(theirs):
            self.assertFalse(record.search([]))
        with self.assertRaises(AccessError):
            self.kept.with_user(theirs).action_replay()

    def test_accountant_accepts_a_difference(self):
        self.difference.with_user(self.accountant).action_accept()
        self.assertEqual(self.difference.state, "accepted")
