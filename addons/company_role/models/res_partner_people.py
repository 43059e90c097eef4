from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize

from .company_member import ROLES

INVITATIONS_A_DAY = 50
MAX_NAME = 128
MAX_EMAIL = 254  # https://www.rfc-editor.org/errata/eid1690


class ResPartner(models.Model):
    """The people of a company, as its managers keep them in the portal."""

    _inherit = "res.partner"

    def _people(self):
        """Return the persons of the company: its contacts, without its addresses."""
        self.ensure_one()
        return self.search([
            ("commercial_partner_id", "=", self.id), ("id", "!=", self.id),
            ("is_company", "=", False), ("type", "=", "contact")], order="name, id")

    def _roles_in(self, company):
        """Return the roles of the person in the company, as field names."""
        # sudo: shown to the managers of the company
        member = self.env["company.member"].sudo().search(
            [("partner_id", "=", company.id), ("person_id", "=", self.id)])
        return [name for name in ROLES if member[name]]

    def _set_roles(self, person, roles):
        """Give a person exactly these roles in the company.

        :param list roles: names of :data:`ROLES`; others are ignored
        :raise UserError: nobody would be left to manage the company
        """
        self.ensure_one()
        if "is_manager" not in roles:
            self._check_manager_left(person)
        vals = {name: name in roles for name in ROLES}
        # sudo: the caller checked who keeps the people
        members = self.env["company.member"].sudo()
        member = members.search([("partner_id", "=", self.id), ("person_id", "=", person.id)])
        if member:
            member.write(vals)
        else:
            members.create({"partner_id": self.id, "person_id": person.id, **vals})

    def _check_manager_left(self, person):
        managers = self.may_manage_ids - person
        if person in self.may_manage_ids and not managers.user_ids:
            raise UserError(self.env._(
                "%(name)s is the last manager of %(company)s. Name another one first.",
                name=person.name, company=self.name))

    def _invite_person(self, name, email, roles):
        """Add a person to the company with an account of the portal, and mail an invitation.

        The answer does not tell whether the address has an account already: such a person is
        added, and gets no second account; staff bring the two together.

        :raise UserError: no name or address, the person is there already, or too many
        """
        self.ensure_one()
        name, address = " ".join((name or "").split())[:MAX_NAME], email_normalize(email)
        if not name or not address or len(address) > MAX_EMAIL:
            raise UserError(self.env._("Give the name and one e-mail address of the person."))
        if address in self._people().mapped("email_normalized"):
            raise UserError(self.env._(
                "%(email)s is in the list already. Change the roles there.", email=address))
        # sudo: the caller checked who keeps the people
        if self.env["company.member"].sudo().search_count([
                ("partner_id", "=", self.id),
                ("create_date", ">", fields.Datetime.now() - timedelta(days=1))]) >= (
                    INVITATIONS_A_DAY):
            raise UserError(self.env._(
                "%(count)s people were invited today. Go on tomorrow, or write to us.",
                count=INVITATIONS_A_DAY))
        person = self.sudo().create({
            "name": name, "email": address, "parent_id": self.id, "type": "contact",
            "lang": self.env.user.lang})
        self._set_roles(person, roles)
        person._grant_portal()

    def _grant_portal(self):
        """Give the person an account and mail the invitation, unless the address has one."""
        wizard = self.env["portal.wizard"].sudo().create({"partner_ids": self.ids})
        guest = wizard.user_ids
        if guest.email_state == "ok":
            guest.action_grant_access()

    def _remove_person(self, person):
        """End the account of a person of the company and archive the contact.

        :raise UserError: it is the last manager, or a colleague of ours
        """
        self._check_manager_left(person)
        users = person.user_ids
        if users.filtered(lambda user: not user.share):
            raise UserError(self.env._(
                "%(name)s works for us and cannot be removed here.", name=person.name))
        self._set_roles(person, [])
        person._hand_over_duties()
        users.write({"active": False})
        person.active = False

    def _can_be_edited_by_current_customer(self, **kwargs):
        """Leave the invoice addresses of a company to those who pay its bills."""
        if not super()._can_be_edited_by_current_customer(**kwargs):
            return False
        person = self._get_current_partner(**kwargs)
        return (self.type != "invoice" or person in (self, self.parent_id)
                or person._may("bill", self))
