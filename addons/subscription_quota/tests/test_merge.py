"""Two contacts that are one customer: merged with what they have, or refused with a sentence."""

from datetime import date

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common_quota import QuotaCommon


@tagged("post_install", "-at_install")
class TestMerge(QuotaCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.twin = cls.make_customer("Camille2", email="camille@example.com")
        cls.pro.trial_days = 14

    def merge(self, source, target):
        self.env["base.partner.merge.automatic.wizard"].create({
            "partner_ids": [(6, 0, (source + target).ids)], "dst_partner_id": target.id,
            "state": "selection"}).action_merge()
        self.env.flush_all()
        self.env.invalidate_all()

    def tried(self):
        return [self.subscribe(self.pro, date(2027, 1, 10), partner_id=partner.id)
                for partner in (self.customer, self.twin)]

    def test_both_had_their_trial(self):
        first, second = self.tried()
        self.merge(self.twin, self.customer)
        self.assertFalse(self.twin.exists())
        self.assertEqual((first + second).partner_id, self.customer)
        self.assertFalse(self.starter._trial_available(self.customer))
        self.run_due(date(2027, 1, 24))
        self.assertEqual((first + second).mapped("state"), ["active"] * 2)

    def test_both_join_one_company(self):
        """Contacts who each had their trial become contacts of one firm."""
        first, second = self.tried()
        firm = self.make_customer("Firm", is_company=True)
        (self.customer + self.twin).parent_id = firm
        self.env.flush_all()
        self.assertEqual((first + second).commercial_partner_id, firm)

    def test_into_a_contact_of_a_company(self):
        firm = self.make_customer("Firm", is_company=True)
        self.customer.parent_id = firm
        subscription = self.subscribe(
            self.starter, date(2027, 1, 10), partner_id=self.twin.id)
        self.merge(self.twin, self.customer)
        self.assertEqual((subscription.partner_id, subscription.commercial_partner_id),
                         (self.customer, firm))

    def test_both_have_a_limit_of_their_own(self):
        overrides = self.env["quota.override"].create([
            {"partner_id": partner.id, "metric_id": self.scans.id, "limit_value": limit,
             "date_from": date(2027, 1, 1), "reason": "agreed"}
            for partner, limit in ((self.customer, 200), (self.twin, 300))])
        with self.assertRaisesRegex(UserError, "Camille.*Camille2.*Scans"), self.cr.savepoint():
            self.merge(self.twin, self.customer)
        self.assertEqual(len(overrides.exists()), 2)
        overrides[0].date_to, overrides[1].date_from = date(2027, 1, 31), date(2027, 2, 1)
        self.merge(self.twin, self.customer)
        self.assertEqual(overrides.partner_id, self.customer)

    def test_both_have_a_key_of_one_name(self):
        keys = [self.make_key(partner_id=partner.id)[0]
                for partner in (self.customer, self.twin)]
        with self.assertRaisesRegex(UserError, "live API key “Scanner”"), self.cr.savepoint():
            self.merge(self.twin, self.customer)
        keys[1].action_revoke()
        self.merge(self.twin, self.customer)
        self.assertEqual(keys[1].commercial_partner_id, self.customer)
