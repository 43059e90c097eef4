from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .common_desk import DeskCommon


@tagged("post_install", "-at_install")
class TestLinks(DeskCommon):
    """What a seat claims about the ledger and the counters of a session is the engine's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.give_credits()
        cls.session = cls.make_session(company_id=cls.company.id)
        cls.registrations = cls.env["event.registration"]

    def spend(self, key):
        return self.wallet_of(self.ana)._spend(2, key)

    def test_desk_cannot_claim_the_credits_of_somebody_else(self):
        """Otherwise, cancelling the seat moves the credits of that customer."""
        entry = self.spend("elsewhere")
        claim = {"event_id": self.session.id, "name": "Mallory", "credit_entry_id": entry.id}
        with self.assertRaises(AccessError):
            self.registrations.with_user(self.desk).create(claim)
        with self.assertRaises(AccessError):
            self.session.with_user(self.planner).registration_ids = [Command.create(claim)]
        outside = {"event_id": self.session.id, "name": "Mallory", **self.outside}
        for registrations in (
                self.registrations.with_user(self.desk),
                # Odoo's routes create seats as the system, in the context of the visitor.
                self.registrations.with_user(self.desk).sudo()):
            seat = registrations.with_context(default_credit_entry_id=entry.id).create(outside)
            self.assertFalse(seat.sudo().credit_entry_id)
        with self.assertRaises(AccessError):
            seat.with_user(self.desk).credit_entry_id = entry
        messages = self.registrations.with_user(self.desk).load(
            ["event_id/.id", "name", "credit_entry_id/.id"],
            [[str(self.session.id), "Mallory", str(entry.id)]])["messages"]
        self.assertIn("cannot be written by hand", messages[0]["message"])
        self.assertEqual(self.wallet_of(self.ana).balance, 8)

    def test_own_defaults_are_no_door(self):
        """Every employee may set defaults of their own, which would hold for the system, too."""
        entry = self.spend("elsewhere")
        self.env["ir.default"].with_user(self.planner).set(
            "event.registration", "credit_entry_id", entry.id, user_id=True)
        seat = self.registrations.with_user(self.planner).sudo().create(
            {"event_id": self.session.id, "name": "Mallory", **self.outside})
        self.assertFalse(seat.credit_entry_id)

    def test_counters_are_kept_by_the_engine(self):
        session = self.session.with_user(self.planner)
        for name in ("seats_booked", "seats_held"):
            with self.assertRaises(AccessError):
                session.write({name: 3})
            with self.assertRaises(AccessError):
                session.copy({name: 3})
        self.assertEqual(session.copy().seats_booked, 0)

    def test_entries_agree_with_their_seat(self):
        """Not even the engine pays a seat by an entry of another kind, company or seat."""
        seat = self.seat(self.session, self.ana)
        gift = self.wallet_of(self.bob).entry_ids[:1]
        other = self.seat(self.make_session(company_id=self.company.id), self.bob)
        other.action_cancel()
        abroad = self.make_session(
            company_id=self.env["res.company"].create({"name": "Abroad"}).id)
        for vals in ({"credit_entry_id": gift.id}, {"refund_entry_id": other.refund_entry_id.id},
                     {"event_id": abroad.id}):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                seat.write(vals)
                self.env.flush_all()

    def test_place_in_line_is_made_by_the_desk_and_kept_by_the_engine(self):
        full = self.make_session(seats_max=1)
        self.seat(full, self.ana)
        line = self.env["session.waiting"].with_user(self.desk)
        vals = {"event_id": full.id, "partner_id": self.bob.id}
        for claim in ({"state": "offered"}, {"wallet_id": self.wallet_of(self.ana).id}):
            with self.assertRaises(AccessError):
                line.create({**vals, **claim})
        place = line.with_context(default_state="seated").create(vals)
        self.assertEqual(place.state, "waiting")
