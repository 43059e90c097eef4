from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..models.company_member import RIGHTS
from .common import TABLE, RoleCommon


@tagged("post_install", "-at_install")
class TestRoles(RoleCommon):

    def test_table(self):
        """Every right × every role, asked in each of the three ways, which agree."""
        for role, person in self.people.items():
            for right in RIGHTS:
                with self.subTest(role=role, right=right):
                    expected = right in TABLE[role]
                    self.assertEqual(person._may(right, self.acme), expected)
                    self.assertEqual(person in self.acme[f"may_{right}_ids"], expected)
                    self.assertEqual(self.acme in self.env["res.partner"].search(
                        [(f"may_{right}_ids", "in", person.ids)]), expected)
            self.assertEqual(person in self.acme.staff_ids, role != "stranger")

    def test_customers_act_for_themselves(self):
        single = self.env["res.partner"].create({"name": "Camille"})
        for right in RIGHTS:
            self.assertTrue(single._may(right, single))
            self.assertTrue(self.acme._may(right, self.acme))
            self.assertFalse(single._may(right, self.acme))
            self.assertFalse(self.env["res.partner"]._may(right, self.acme))

    def test_rights_end_at_once(self):
        """Who leaves, is archived or has lost the login has none; nobody comes back with them."""
        boss = self.people["manager"]
        for leave, come_back in (
                (lambda: boss.user_ids.write({"active": False}),
                 lambda: boss.with_context(active_test=False).user_ids.write({"active": True})),
                (lambda: (boss.user_ids.write({"active": False}), boss.write({"active": False})),
                 lambda: (boss.write({"active": True}), boss.with_context(
                     active_test=False).user_ids.write({"active": True})))):
            leave()
            for right in RIGHTS:
                self.assertFalse(boss._may(right, self.acme))
                self.assertNotIn(boss, self.acme[f"may_{right}_ids"])
            come_back()
            self.assertTrue(boss._may("manage", self.acme))
        for parent in (self.rivals, self.acme):
            boss.parent_id = parent
            self.assertFalse(boss._may("manage", self.acme))
            self.assertFalse(boss._may("manage", self.rivals))

    def test_rows_are_checked(self):
        members = self.env["company.member"]
        with self.assertRaisesRegex(ValidationError, "not a contact of ACME"):
            members.create({
                "partner_id": self.acme.id, "person_id": self.people["stranger"].id})
        for person in (self.people["manager"], self.acme):
            with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), \
                    self.env.cr.savepoint():
                members.create({"partner_id": self.acme.id, "person_id": person.id})
        with self.assertRaises(AccessError):
            members.with_user(self.people["manager"].user_ids).search([])
        keeper = new_test_user(self.env, "keeper", "base.group_partner_manager")
        self.acme.with_user(keeper).member_ids[0].is_billing = True

    def test_refusals_name_who_may(self):
        learner = self.people["learner"]
        for right in RIGHTS:
            with self.assertRaisesRegex(AccessError, "ACME.*Manager"):
                learner._check_may(right, self.acme)
        self.acme.member_ids.is_manager = False
        self.assertIn("Nobody is named", learner._refusal("bill", self.acme))

    def test_first_order_names_the_manager(self):
        """The first one who orders manages; never a second one, nor when the login of the company
        does."""
        product = self.env["product.product"].create({"name": "Advice", "list_price": 10})
        companies = self.env["res.partner"].create(
            [{"name": name, "is_company": True} for name in ("New", "With login", "Address")])
        new, with_login, _address = companies
        new_test_user(self.env, "itself", "base.group_portal", partner_id=with_login.id)
        people = self.env["res.partner"].create([
            {"name": f"{name} of {company.name}", "parent_id": company.id,
             "type": "delivery" if company.name == "Address" else "contact"}
            for company in companies for name in ("Ann", "Bob")])
        for person in people:
            self.env["sale.order"].create({
                "partner_id": person.id,
                "order_line": [(0, 0, {"product_id": product.id})]}).action_confirm()
        self.assertEqual(companies.member_ids.person_id, people[0])
        self.assertTrue(people[0]._may("manage", new))
        people[0].parent_id = False
        people[1]._appoint_first_manager()
        self.assertFalse(people[1]._may("manage", new))

    def test_merged_contacts_keep_both_roles(self):
        people = self.people["billing"] | self.people["developer"]
        people.user_ids.unlink()
        self.env["base.partner.merge.automatic.wizard"].create({})._merge(
            people.ids, self.people["billing"])
        self.assertTrue(self.people["billing"]._may("bill", self.acme))
        self.assertTrue(self.people["billing"]._may("develop", self.acme))
