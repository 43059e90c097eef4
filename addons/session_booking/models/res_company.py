from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    training_declaration = fields.Char(
        string="Training declaration number",
        help="Number under which the training body is registered (France: numéro de déclaration "
        "d’activité); printed on attendance sheets.")
    waiting_hours = fields.Integer(
        string="Waiting list: seat held (hours)", default=24, required=True,
        help="How long a freed seat is held for the next of the waiting list, at most until the "
        "session starts.")

    _waiting_hours_positive = models.Constraint(
        "CHECK(waiting_hours > 0)", "A freed seat is held for at least one hour.")

    def write(self, vals):
        """Refuse to archive a company while people have seats in its sessions.

        :raise UserError: a company is archived while people have seats in its sessions
        """
        if vals.get("active") is False:
            # sudo: sessions of any company; names are shown to who may archive the company
            self.env["event.event"].sudo().search([
                ("company_id", "in", self.ids), ("is_training", "=", True),
                ("date_end", ">", fields.Datetime.now()), ("seats_booked", ">", 0),
            ])._refuse_with_seats(lambda event: self.env._(
                "%(company)s cannot be archived: “%(session)s” of %(date)s has bookings "
                "(%(names)s). Cancel its sessions first.", company=event.company_id.name,
                **event._described_with_seats()))
        return super().write(vals)
