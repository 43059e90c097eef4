"""API keys, extra units and what is used × the roles of a company."""

from odoo import http
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common_quota import QuotaCommon


@tagged("post_install", "-at_install")
class TestQuotaRoles(HttpCase, QuotaCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.acme = cls.make_customer("Acme", is_company=True)
        cls.people = {}
        for role in ("manager", "developer", "billing", "learner"):
            cls.people[role] = cls.make_portal(f"quota_{role}").partner_id
            cls.people[role].write({"parent_id": cls.acme.id, "name": role.capitalize()})
            cls.acme._set_roles(cls.people[role], [f"is_{role}"])
        cls.key = cls.env["quota.api.key"]._make_for_customer(
            cls.acme, cls.env.company, "Scanner", ["can_check"])[0]

    def post(self, url, **data):
        return self.url_open(url, {"csrf_token": http.Request.csrf_token(self), **data})

    @mute_logger("odoo.http")
    def test_keys(self):
        keys = self.env["quota.api.key"]
        for role in self.people:
            with self.subTest(role=role):
                may = role in ("manager", "developer")
                self.authenticate(f"quota_{role}", f"quota_{role}")
                answers = [
                    self.url_open("/my/quota/keys"),
                    self.post("/my/quota/keys", name=f"Of {role}", scopes="can_check"),
                    self.post(f"/my/quota/keys/{self.key.id}/rotate"),
                    self.post(f"/my/quota/keys/{keys.search([], limit=1).id}/revoke")]
                self.assertEqual(
                    {answer.status_code for answer in answers}, {200 if may else 403})
                for answer in answers:
                    self.assertEqual("Ask its managers for the role" in answer.text, not may)
                live = keys.search([("revoked_at", "=", False)]) - self.key
                self.assertEqual(live.mapped("name"), [f"Of {role}"] if may else [])
                live.action_revoke()
