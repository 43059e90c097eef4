from odoo.tests import TransactionCase, new_test_user

# What each role of a company may do. The login of the company does everything.
TABLE = {
    "manager": {"manage", "bill", "develop"},
    "billing": {"bill"},
    "developer": {"develop"},
    "learner": set(),
    "stranger": set(),
}


class RoleCommon(TransactionCase):
    """ACME with one portal user a role, named like it, and a manager of another company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        partners = cls.env["res.partner"]
        cls.acme, cls.rivals = partners.create([
            {"name": name, "is_company": True, "lang": "en_US"} for name in ("ACME", "Rivals")])
        cls.people = {}
        for role in TABLE:
            user = new_test_user(
                cls.env, f"role_{role}", "base.group_portal", lang="en_US",
                email=f"{role}@acme.example", name=role.capitalize())
            user.partner_id.parent_id = cls.rivals if role == "stranger" else cls.acme
            cls.people[role] = user.partner_id
        for role in ("manager", "billing", "developer"):
            cls.acme._set_roles(cls.people[role], [f"is_{role}"])
        cls.rivals._set_roles(cls.people["stranger"], ["is_manager"])

    def sign_in(self, role):
        self.authenticate(f"role_{role}", f"role_{role}")
