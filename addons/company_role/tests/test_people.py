from odoo import http
from odoo.tests import HttpCase, tagged

from .common import TABLE, RoleCommon


@tagged("post_install", "-at_install")
class TestPeople(RoleCommon, HttpCase):
    """« Mon compte › Personnes »."""

    def post(self, url, **data):
        return self.url_open(url, {"csrf_token": http.Request.csrf_token(self), **data})

    def test_only_managers(self):
        learner = self.people["learner"]
        for role in TABLE:
            with self.subTest(role=role):
                self.sign_in(role)
                page = self.url_open("/my/people")
                mine = role in ("manager", "stranger")  # who manages another company
                self.assertEqual(page.status_code, 200 if mine else 403)
                self.assertEqual("learner@acme.example" in page.text, role == "manager")
                self.assertEqual('/my/people"' in self.url_open("/my").text, mine)
                if not mine:
                    self.assertIn("Only the managers of ACME", page.text)
                if role != "manager":
                    for what in ("roles", "remove"):
                        answer = self.post(
                            f"/my/people/{learner.id}/{what}", roles="is_manager")
                        self.assertIn(answer.status_code, (403, 404))
                    self.assertFalse(learner._may("manage", self.acme))
                    self.assertTrue(learner.active)

    def test_manager(self):
        self.sign_in("manager")
        boss, learner = self.people["manager"], self.people["learner"]
        self.post(f"/my/people/{learner.id}/roles", roles=["is_billing", "is_developer", "id"])
        self.assertEqual(learner._roles_in(self.acme), ["is_billing", "is_developer"])
        page = self.post(f"/my/people/{boss.id}/roles", roles=["is_billing"])
        self.assertIn("last manager of ACME", page.text)
        self.assertTrue(boss._may("manage", self.acme))
        self.post(f"/my/people/{learner.id}/remove")
        self.assertFalse(learner.active or learner.user_ids or learner._may("bill", self.acme))

    def test_invitation(self):
        """The answer is the same for an address that has an account elsewhere."""
        self.people["stranger"].user_ids.login = "stranger@acme.example"
        self.sign_in("manager")
        for email in ("new@acme.example", "Stranger@acme.example"):
            with self.subTest(email=email):
                page = self.post("/my/people/invite", name="Nora", email=email, roles="is_billing")
                self.assertIn(f"An invitation is on its way to {email}", page.text)
                person = self.env["res.partner"].search(
                    [("parent_id", "=", self.acme.id), ("email", "=", email.lower())])
                self.assertTrue(person._may("bill", self.acme))
                self.assertEqual(bool(person.user_ids), email == "new@acme.example")
        for bad in ({"name": "", "email": "a@acme.example"}, {"name": "A", "email": "a"},
                    {"name": "A", "email": "new@acme.example"},
                    {"name": "A", "email": f"{'a' * 300}@acme.example"}):
            self.assertIn("alert-danger", self.post("/my/people/invite", **bad).text)
        self.assertEqual(len(self.acme._people()), 6)
