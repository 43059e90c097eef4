from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from odoo.addons.concurrency_base.tools import claim_in_order

from .company_member import RIGHTS, ROLES


class ResPartner(models.Model):
    """Who acts for a customer. Every addon asks :meth:`_may`, or has its record rules do so.

    A customer who is no company's contact does everything for themselves; so does the login of the
    company itself. What contacts may do follows from their roles, as they are at the moment of the
    request: they are read from the database, never remembered, and count for nothing once the
    person is archived, has lost the login, or is a contact of another company.
    """

    _inherit = "res.partner"

    member_ids = fields.One2many("company.member", "partner_id", string="People")
    may_manage_ids = fields.Many2many(
        "res.partner", compute="_compute_may_ids", search="_search_may_manage_ids",
        string="Who manages", help="The customer, and the managers of the company.")
    may_bill_ids = fields.Many2many(
        "res.partner", compute="_compute_may_ids", search="_search_may_bill_ids",
        string="Who pays the bills", help="The customer, managers and billing.")
    may_develop_ids = fields.Many2many(
        "res.partner", compute="_compute_may_ids", search="_search_may_develop_ids",
        string="Who develops", help="The customer, managers and developers.")
    staff_ids = fields.Many2many(
        "res.partner", compute="_compute_staff_ids", search="_search_staff_ids",
        string="Who works there", help="The customer, and all contacts of the company.")

    @api.depends("member_ids", "active", *(
        f"member_ids.{name}" for name in (
            *ROLES, "person_id.commercial_partner_id", "person_id.active",
            "person_id.user_ids.active")))
    def _compute_may_ids(self):
        for right in RIGHTS:
            people = self._people_by_customer(self._may_sql(right))
            for partner in self:
                partner[f"may_{right}_ids"] = people.get(partner.id, [])

    @api.depends("commercial_partner_id", "active")
    def _compute_staff_ids(self):
        people = self._people_by_customer(self._staff_sql())
        for partner in self:
            partner.staff_ids = people.get(partner.id, [])

    def _people_by_customer(self, pairs):
        return dict(self.env.execute_query(SQL(
            "SELECT customer_id, array_agg(person_id) FROM (%s) AS acting"
            " WHERE customer_id = ANY(%s) GROUP BY customer_id", pairs, self.ids)))

    def _search_may_manage_ids(self, operator, value):
        return self._search_customers(operator, value, self._may_sql("manage"))

    def _search_may_bill_ids(self, operator, value):
        return self._search_customers(operator, value, self._may_sql("bill"))

    def _search_may_develop_ids(self, operator, value):
        return self._search_customers(operator, value, self._may_sql("develop"))

    def _search_staff_ids(self, operator, value):
        return self._search_customers(operator, value, self._staff_sql())

    def _search_customers(self, operator, value, pairs):
        if operator != "in":
            return NotImplemented
        return fields.Domain("id", "any!", SQL(
            "SELECT customer_id FROM (%s) AS acting WHERE person_id = ANY(%s)",
            pairs, [person_id for person_id in value if person_id]))

    def _flush_roles(self):
        self.env["company.member"].flush_model()
        self.env["res.users"].flush_model(["active", "partner_id"])
        self.flush_model(["active", "commercial_partner_id"])

    def _may_sql(self, right):
        """Select who has a right for whom: pairs of ``customer_id`` and ``person_id``."""
        self._flush_roles()
        roles = SQL(" OR ").join(SQL("member.%s", SQL.identifier(name)) for name in RIGHTS[right])
        return SQL(
            """SELECT id AS customer_id, id AS person_id FROM res_partner WHERE active
                UNION ALL
               SELECT member.partner_id, person.id
                 FROM company_member AS member
                 JOIN res_partner AS person ON person.id = member.person_id
                      AND person.commercial_partner_id = member.partner_id AND person.active
                WHERE (%s) AND COALESCE((
                      SELECT bool_or(active) FROM res_users WHERE partner_id = person.id), true)
            """, roles)

    def _staff_sql(self):
        self._flush_roles()
        return SQL("SELECT commercial_partner_id AS customer_id, id AS person_id"
                   " FROM res_partner WHERE active")

    # Asking -------------------------------------------------------------------------------------

    def _may(self, right, customer):
        """Tell whether the person may act for the customer, at this moment.

        :param str right: "manage", "bill" or "develop"
        :param customer: the ``res.partner`` who owns what is acted on, or a contact of theirs
        """
        owner = customer.commercial_partner_id
        # sudo: whether there is one; customers may not read the roles
        return bool(self and owner) and bool(self.env["res.partner"].sudo().with_context(
            active_test=False).search_count(
                [("id", "=", owner.id), (f"may_{right}_ids", "in", self.ids)], limit=1))

    def _check_may(self, right, customer):
        """Refuse a person who may not act for the customer.

        :raise AccessError: names who may
        """
        if not self._may(right, customer):
            raise AccessError(self._refusal(right, customer))

    def _refusal(self, right, customer):
        """Say who may act for the customer, to somebody who may not."""
        # sudo: the names of those whom the person has to ask in their own company
        owner = customer.sudo().commercial_partner_id
        names = ", ".join((owner.may_manage_ids - owner).mapped("name"))
        if not names:
            return self.env._(
                "Nobody is named to act for %(company)s yet. Write to us: we name its first "
                "manager.", company=owner.name)
        return {
            "manage": self.env._(
                "Only the managers of %(company)s may do this: %(names)s.",
                company=owner.name, names=names),
            "bill": self.env._(
                "Only those who pay the bills of %(company)s may do this. Ask its managers for "
                "the role “Billing”: %(names)s.", company=owner.name, names=names),
            "develop": self.env._(
                "Only the developers of %(company)s may do this. Ask its managers for the role "
                "“Developer”: %(names)s.", company=owner.name, names=names),
        }[right]

    # Keeping ------------------------------------------------------------------------------------

    def _appoint_first_manager(self):
        """Let a person who acts for their company manage it, when nobody has ever done so.

        Without this, a company that buys by itself would have to wait for staff. It is the first
        one only: once a company has people with roles, its managers and staff name all others,
        also when the last manager is gone.
        """
        # sudo: whoever confirms the order
        for person in self.sudo():
            company = person.commercial_partner_id
            if (person == company or not person.active or person.type != "contact"
                    or company.user_ids.filtered("active")):
                continue
            if not self.env["company.member"].sudo().search_count(
                    [("partner_id", "=", company.id)], limit=1):
                claim_in_order(company)  # two first orders at once: the second looks again
                self.env["company.member"].sudo().create(
                    {"partner_id": company.id, "person_id": person.id, "is_manager": True})

    def _hand_over_duties(self):
        """Extension point: give the company what these persons hold in its name, as they leave it.

        They are still its contacts.
        """

    def _filter_leaving(self, vals):
        """Keep the contacts of a company who will be none of it any more."""
        # sudo: whoever may write the contact
        employed = self.sudo().filtered(lambda person: person.commercial_partner_id != person)
        if "parent_id" not in vals:
            return employed if vals.get("is_company") else employed.browse()
        company = self.sudo().browse(vals["parent_id"] or []).commercial_partner_id
        return employed.filtered(lambda person: person.commercial_partner_id != company)

    def _check_may_order(self, customer):
        """Refuse a contract of a company to a person who has no right to make it.

        Where nobody has ever acted for the company, who orders first becomes its manager.

        :raise AccessError: names who may
        """
        # sudo: whether there are any
        if customer.sudo().commercial_partner_id.member_ids:
            self._check_may("bill", customer)

    def write(self, vals):
        """Forget cached record rules when a person with a login changes company.

        Odoo's own rules of orders and invoices name the company of the user, and are kept as they
        were computed first. The roles end with the contract: who comes back starts anew.
        """
        if not vals.keys() & {"parent_id", "is_company", "company_type"}:
            return super().write(vals)
        # sudo: whoever may write the contact; archived users and contacts, too
        people = self.sudo().with_context(active_test=False).search([("id", "child_of", self.ids)])
        before = {person: person.commercial_partner_id for person in people}
        self._filter_leaving(vals)._hand_over_duties()
        result = super().write(vals)
        moved = people.filtered(lambda person: person.commercial_partner_id != before[person])
        if moved:
            self.env["company.member"].sudo().search([("person_id", "in", moved.ids)]).write(
                dict.fromkeys(ROLES, False))
        if moved.user_ids:
            self.env.registry.clear_cache()
        return result
