from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize


class SessionGroupBookingLine(models.TransientModel):
    """An attendee: a known contact, or the name and address of a new one."""

    _name = "session.group.booking.line"
    _description = "Attendee of a Group"

    booking_id = fields.Many2one(
        "session.group.booking", required=True, ondelete="cascade")
    partner_id = fields.Many2one(
        "res.partner", string="Contact", domain=[("is_company", "=", False)],
        help="Empty: a new contact is made from the name and the address.")
    name = fields.Char(compute="_compute_contact", store=True, readonly=False, precompute=True)
    email = fields.Char(compute="_compute_contact", store=True, readonly=False, precompute=True)

    @api.depends("partner_id")
    def _compute_contact(self):
        for line in self.filtered("partner_id"):
            line.name = line.partner_id.name
            line.email = line.partner_id.email

    def _label(self):
        return self.partner_id.display_name or self.name or self.email or ""

    def _identity(self):
        """Return what distinguishes two attendees: the contact, else the address."""
        return self.partner_id.id or email_normalize(self.email) or self.id

    def _check_named(self):
        """Refuse new attendees who are not named completely.

        :raise UserError: a new attendee lacks a name or a valid address
        """
        if self.partner_id:
            return
        if not (self.name or "").strip() or not email_normalize(self.email):
            raise UserError(self.env._(
                "“%(attendee)s”: a new attendee needs a name and a valid e-mail address, to "
                "receive the booking.", attendee=self._label() or "?"))

    def _make_contacts(self):
        """Find the contacts of the customer's company by their address, or create them."""
        company = self.booking_id.payer_id.commercial_partner_id
        new = self.filtered(lambda line: not line.partner_id)
        known = {
            partner.email_normalized: partner for partner in self.env["res.partner"].search(
                [("id", "child_of", company.id), ("is_company", "=", False),
                 ("email_normalized", "in", [email_normalize(line.email) for line in new])])}
        missing = new.filtered(lambda line: email_normalize(line.email) not in known)
        # sudo: who books for a customer names its attendees, without the right on all contacts
        made = self.env["res.partner"].sudo().create([{
            "name": line.name.strip(), "email": email_normalize(line.email),
            "parent_id": company.is_company and company.id, "lang": company.lang,
        } for line in missing]).sudo(False)
        known.update((partner.email_normalized, partner) for partner in made)
        for line in new:
            line.partner_id = known[email_normalize(line.email)]
