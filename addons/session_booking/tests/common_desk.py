from odoo.tests import new_test_user

from .common import BookingCommon


class DeskCommon(BookingCommon):
    """A training centre at work: someone who plans sessions, and several customers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.planner = new_test_user(
            cls.env, "planner", "event.group_event_user", lang="en_US", tz="Europe/Paris")
        cls.desk = new_test_user(
            cls.env, "desk", "event.group_event_registration_desk", lang="en_US",
            tz="Europe/Paris")
        cls.ana, cls.bob = cls.env["res.partner"].create([
            {"name": "Ana", "email": "ana@example.com", "lang": "en_US"},
            {"name": "Bob", "email": "bob@example.com", "lang": "fr_FR"}])

    @classmethod
    def give_credits(cls):
        """Give each customer ten credits without a price: enough for tests that sell nothing."""
        for partner in cls.ana | cls.bob:
            cls.wallet_of(partner)._grant(
                10, 0.0, f"gift:{partner.id}", kind="adjustment", reason="Gift")

    def tearDown(self):
        self.assertEqual(self.env["credit.wallet"]._check_invariants(), [])
        for session in self.env["event.event"].search([("is_training", "=", True)]):
            self.assertEqual(session.seats_booked, session.seats_taken)
        super().tearDown()

    @classmethod
    def wallet_of(cls, partner):
        return cls.env["credit.wallet"]._of(partner, cls.company)

    def seat(self, session, partner, key=None):
        return self.book(session, key or f"{session.id}:{partner.id}", partner)

    def mails(self, seats, subject):
        return self.env["mail.mail"].search([
            ("model", "=", "event.registration"), ("res_id", "in", seats.ids),
            ("subject", "ilike", subject)])
