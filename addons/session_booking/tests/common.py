from datetime import timedelta

from odoo import fields

from odoo.addons.credit_wallet.tests.common import CreditCommon


class BookingCommon(CreditCommon):

    outside = {"paid_outside": True, "outside_reason": "Quote"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.training = cls.env["event.type"].create({
            "name": "Public speaking", "is_training": True, "credit_price": 2,
            "has_seats_limitation": True, "seats_max": 10, "cancel_hours": 48,
            "default_timezone": "Europe/Paris"})

    @classmethod
    def make_session(cls, days=10, **vals):
        begin = fields.Datetime.now() + timedelta(days=days)
        return cls.env["event.event"].create({
            "name": "Public speaking", "event_type_id": cls.training.id,
            "date_begin": begin, "date_end": begin + timedelta(hours=2),
            "is_published": True, **vals})

    def book(self, session, key="key", partner=None):
        partner = partner or self.customer
        return session._book(
            self.env["credit.wallet"]._of(partner, self.company), partner, key)
