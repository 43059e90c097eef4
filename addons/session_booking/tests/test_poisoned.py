from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_desk import DeskCommon


@tagged("post_install", "-at_install")
class TestPoisoned(DeskCommon):
    """One bad row stops no scheduled action: the others are worked on, staff are told once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.give_credits()

    def run_cron(self, name, moment, times=2):
        self.env.flush_all()
        with freeze_time(moment), self.enter_registry_test_mode(), mute_logger(
                "odoo.addons.concurrency_base.tools.isolation", "odoo.sql_db"):
            for _time in range(times):
                self.env.ref(f"session_booking.{name}").method_direct_trigger()
        self.env.invalidate_all()

    def sql(self, query, *params):
        self.env.flush_all()
        self.env.cr.execute(query, params)
        self.env.invalidate_all()

    def offer(self):
        """A session whose only seat is held for somebody.

        :return: (session, place in line)
        """
        session = self.make_session(seats_max=1, user_id=self.planner.id)
        seat = self.seat(session, self.ana)
        place = self.env["session.waiting"]._join(session, self.bob)
        seat._cancel_by_customer()
        self.assertEqual((place.state, session.seats_held), ("offered", 1))
        return session, place

    def test_waiting_list(self):
        """An offer that holds no seat, and one whose dates contradict its state, hold up no
        other line."""
        (poisoned, bad), (_session, good) = self.offer(), self.offer()
        self.sql("UPDATE event_event SET seats_held = 0 WHERE id = %s", poisoned.id)
        # No end of the offer, although it stands: the constraint was not there, or was dropped.
        unended, endless = self.offer()
        self.sql("ALTER TABLE session_waiting DROP CONSTRAINT session_waiting_offer_has_an_end")
        self.sql("UPDATE session_waiting SET offered_until = NULL WHERE id = %s", endless.id)
        self.run_cron("ir_cron_waiting", fields.Datetime.now() + timedelta(days=5))
        self.assertEqual((bad.state, good.state), ("offered", "lapsed"))
        told = poisoned.activity_ids
        self.assertEqual((len(told), told.user_id), (1, self.planner))
        self.assertFalse(unended.activity_ids)
        self.sql("UPDATE event_event SET seats_held = 1 WHERE id = %s", poisoned.id)
        self.run_cron("ir_cron_waiting", fields.Datetime.now() + timedelta(days=5), times=1)
        self.assertEqual(bad.state, "lapsed")

    def test_reminders(self):
        """A session in a timezone nobody knows, and an attendee in an unknown language."""
        seats = self.env["event.registration"]
        for partner in (self.ana, self.bob, self.ana):
            seats |= self.seat(self.make_session(days=40, user_id=self.planner.id), partner)
        nowhere, speechless, good = seats
        self.sql("UPDATE event_event SET date_tz = 'Mars/Phobos' WHERE id = %s",
                 nowhere.event_id.id)
        self.sql("UPDATE res_partner SET lang = 'xx_XX' WHERE id = %s", self.bob.id)
        self.run_cron("ir_cron_session_reminders", fields.Datetime.now() + timedelta(days=39.5))
        self.assertEqual(good.reminder_ids.mapped("hours"), [24])
        self.assertEqual(len(self.mails(good, "Reminder")), 1)
        self.assertFalse(self.mails(speechless, "Rappel") | self.mails(speechless, "Reminder"))
        for seat in (nowhere, speechless):
            self.assertEqual(len(seat.event_id.activity_ids), 1)
