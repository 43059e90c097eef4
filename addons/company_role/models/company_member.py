from odoo import api, fields, models
from odoo.exceptions import ValidationError

# What a person may do for a company: the roles that include it. This is the one place that says so.
RIGHTS = {
    "manage": ("is_manager",),  # people, credits, and all that follows
    "bill": ("is_manager", "is_billing"),  # invoices, orders, cards, plan
    "develop": ("is_manager", "is_developer"),  # API keys, usage
}
ROLES = ("is_manager", "is_billing", "is_developer")


class CompanyMember(models.Model):
    """The roles of one person in one company.

    Everybody who works there is a learner, with or without a row: books for themselves what they
    were allotted. A row counts only while the person is a contact of the company, and is then read
    at each request: see ``res.partner._may``.
    """

    _name = "company.member"
    _description = "Person of a Company"
    _rec_name = "person_id"
    _order = "is_manager desc, id"

    partner_id = fields.Many2one(
        "res.partner", string="Company", required=True, index=True, ondelete="cascade")
    person_id = fields.Many2one(
        "res.partner", required=True, index=True, ondelete="cascade",
        domain="[('commercial_partner_id', '=', partner_id), ('is_company', '=', False)]")
    is_manager = fields.Boolean(
        string="Manager", help="Does everything, keeps the people and allots credits.")
    is_billing = fields.Boolean(string="Billing", help="Invoices, orders, cards and the plan.")
    is_developer = fields.Boolean(string="Developer", help="API keys and usage.")

    _one_per_person = models.UniqueIndex(
        "(partner_id, person_id)", "This person is in the list already: change their roles there.")
    _two_partners = models.Constraint(
        "CHECK(partner_id <> person_id)", "A company has all rights for itself.")

    @api.constrains("partner_id", "person_id")
    def _check_person_of_company(self):
        for member in self:
            if member.person_id.commercial_partner_id != member.partner_id:
                raise ValidationError(self.env._(
                    "%(person)s is not a contact of %(company)s. Choose the company on the "
                    "contact first.", person=member.person_id.display_name,
                    company=member.partner_id.display_name))

    @api.model
    def _role_labels(self):
        """List the roles a person may be given.

        :return: list of (field, label, help)
        """
        labels = self.fields_get(ROLES, ["string", "help"])
        return [(name, labels[name]["string"], labels[name]["help"]) for name in ROLES]
