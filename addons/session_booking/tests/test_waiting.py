from datetime import timedelta

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.credit_wallet.exceptions import InsufficientCredits
from odoo.addons.session_booking.exceptions import SessionFull, SessionUnavailable

from .common import BookingCommon


@tagged("post_install", "-at_install")
class TestWaiting(BookingCommon):
    """A seat freed is held for the next in line who can pay, for a limited time."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.session = cls.make_session(seats_max=1)
        cls.waiting = cls.env["session.waiting"]

    def tearDown(self):
        self.env.flush_all()
        for session in self.env["event.event"].search([]):
            offered = session.waiting_ids.filtered(lambda place: place.state == "offered")
            self.assertEqual(session.seats_held, len(offered), session.name)
            self.assertEqual(session.seats_booked, session.seats_taken, session.name)
        self.assertLedgerAgrees()
        super().tearDown()

    def person(self, name, credits=2):
        partner = self.env["res.partner"].create(
            {"name": name, "email": f"{name.lower()}@example.com", "lang": "en_US"})
        if credits:
            self.env["credit.wallet"]._of(partner, self.company)._grant(
                credits, 0.0, f"test:{name}", kind="adjustment", reason="Test")
        return partner

    def fill(self, name="Owner"):
        """Take the only seat of the session.

        :return: the registration
        """
        owner = self.person(name)
        return self.book(self.session, f"fill:{name}", owner)

    def join(self, *partners):
        return self.waiting.concat(*(
            self.waiting._join(self.session, partner) for partner in partners))

    def balance(self, partner):
        return self.env["credit.wallet"]._of(partner, self.company).balance

    def mails(self, waiting):
        return self.env["mail.mail"].search(
            [("model", "=", "session.waiting"), ("res_id", "in", waiting.ids)], order="id")

    def run_cron(self, moment):
        with self.enter_registry_test_mode(), freeze_time(moment):
            self.env.ref("session_booking.ir_cron_waiting").method_direct_trigger()

    def test_in_order_of_joining(self):
        seat = self.fill()
        line = self.join(*(self.person(name) for name in ("Ada", "Bob", "Cleo")))
        self.assertEqual(line.mapped("position"), [1, 2, 3])
        seat._cancel_by_customer()
        self.assertEqual(line.mapped("state"), ["offered", "waiting", "waiting"])
        self.assertEqual(line.mapped("position"), [0, 1, 2])
        self.assertEqual(
            (self.session.seats_booked, self.session.seats_held, self.session.seats_left),
            (0, 1, 0))
        mail = self.mails(line)
        self.assertEqual(len(mail), 1)
        self.assertIn(line[0]._get_link(), mail.body_html)
        self.assertEqual(mail.recipient_ids, line[0].partner_id)

    def test_joining_twice_keeps_the_place(self):
        self.fill()
        ada = self.person("Ada")
        first = self.join(ada)
        self.assertEqual(self.join(ada), first)
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"), \
                self.env.cr.savepoint():
            self.waiting.create({"event_id": self.session.id, "partner_id": ada.id})

    def test_no_line_beside_a_free_seat(self):
        with self.assertRaisesRegex(UserError, "book it now"), self.env.cr.savepoint():
            self.join(self.person("Ada"))
        seat = self.fill()
        with self.assertRaisesRegex(SessionUnavailable, "already has a seat"), \
                self.env.cr.savepoint():
            self.join(seat.partner_id)
        self.session._cancel_session()
        with self.assertRaisesRegex(SessionUnavailable, "cancelled"), self.env.cr.savepoint():
            self.join(self.person("Bob"))

    def test_newcomers_cannot_jump_the_queue(self):
        seat = self.fill()
        self.join(self.person("Ada"))
        newcomer = self.person("Newcomer")
        seat._cancel_by_customer()
        with self.assertRaises(SessionFull), self.env.cr.savepoint():
            self.book(self.session, "newcomer", newcomer)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.env["event.registration"].create({
                "event_id": self.session.id, "name": "By another door", **self.outside})
        self.assertEqual(self.balance(newcomer), 2)

    def test_accepting_spends_the_credits_once(self):
        seat = self.fill()
        ada, bob = self.person("Ada"), self.person("Bob")
        line = self.join(ada, bob)
        seat._cancel_by_customer()
        taken = line[0]._accept()
        self.assertEqual(line[0]._accept(), taken)
        self.assertEqual((taken.partner_id, taken.state), (ada, "open"))
        self.assertEqual(line.mapped("state"), ["seated", "waiting"])
        self.assertEqual((self.balance(ada), self.session.seats_booked), (0, 1))
        self.assertEqual(taken.credit_entry_id.move_ids.mapped("state"), ["posted"])
        with self.assertRaisesRegex(UserError, "no longer held"), self.env.cr.savepoint():
            line[1]._accept()

    def test_the_booking_page_takes_the_seat_held(self):
        seat = self.fill()
        ada = self.person("Ada")
        line = self.join(ada)
        seat._cancel_by_customer()
        taken = self.book(self.session, "page", ada)
        self.assertEqual((line.state, line.registration_id), ("seated", taken))

    def test_declined_the_next_in_line(self):
        seat = self.fill()
        line = self.join(*(self.person(name) for name in ("Ada", "Bob")))
        seat._cancel_by_customer()
        line[0]._leave()
        line[0]._leave()
        self.assertEqual(line.mapped("state"), ["declined", "offered"])
        line[1]._leave()
        self.assertEqual((self.session.seats_held, self.session.seats_left), (0, 1))

    def test_no_answer_in_time_the_next_in_line(self):
        self.company.waiting_hours = 3
        seat = self.fill()
        line = self.join(*(self.person(name) for name in ("Ada", "Bob")))
        now = fields.Datetime.now()
        seat._cancel_by_customer()
        self.assertAlmostEqual(
            line[0].offered_until, now + timedelta(hours=3), delta=timedelta(seconds=30))
        self.run_cron(now + timedelta(hours=2))
        self.assertEqual(line.mapped("state"), ["offered", "waiting"])
        with freeze_time(now + timedelta(hours=4)), self.env.cr.savepoint(), \
                self.assertRaisesRegex(UserError, "no longer held"):
            line[0]._accept()
        for _run in range(2):
            self.run_cron(now + timedelta(hours=4))
            self.assertEqual(line.mapped("state"), ["lapsed", "offered"])
        self.assertEqual(len(self.mails(line[0])), 2, "offered, and over")
        self.assertEqual(len(self.mails(line[1])), 1)

    def test_never_held_past_the_start(self):
        self.session = self.make_session(days=1, seats_max=1)
        seat = self.fill()
        line = self.join(self.person("Ada"), self.person("Bob"))
        with freeze_time(self.session.date_begin - timedelta(hours=2)):
            seat.action_cancel()
        self.assertEqual(line[0].offered_until, self.session.date_begin)
        self.run_cron(self.session.date_begin + timedelta(minutes=1))
        self.assertEqual(line.mapped("state"), ["lapsed", "closed"])
        self.assertFalse(self.session.seats_held)

    def test_the_training_says_how_long(self):
        self.training.waiting_hours = 6
        now = fields.Datetime.now()
        self.assertAlmostEqual(
            self.session._offer_ends(), now + timedelta(hours=6), delta=timedelta(seconds=30))

    def test_too_few_credits_skipped_and_told_once(self):
        seat = self.fill()
        poor, rich, last = self.person("Poor", 1), self.person("Rich"), self.person("Last", 0)
        line = self.join(poor, rich, last)
        seat._cancel_by_customer()
        self.assertEqual(line.mapped("state"), ["waiting", "offered", "waiting"])
        mails = self.mails(line[0])
        self.assertIn("too few credits", mails.body_html)
        self.assertFalse(self.mails(line[2]), "the seat did not come to the last")
        line[1]._leave()
        self.assertEqual(self.mails(line[0]), mails, "told once")
        self.assertEqual(self.session.seats_left, 1, "nobody in line can pay: free for all")
        # The wallet filled meanwhile, the place kept is worth something.
        self.env["credit.wallet"]._of(poor, self.company)._grant(
            1, 0.0, "top up", kind="adjustment", reason="Test")
        self.run_cron(fields.Datetime.now())
        self.assertEqual(line[0].state, "offered")

    def test_credits_spent_since_the_offer(self):
        seat = self.fill()
        ada = self.person("Ada")
        line = self.join(ada)
        seat._cancel_by_customer()
        self.book(self.make_session(), "elsewhere", ada)
        with self.assertRaises(InsufficientCredits), self.env.cr.savepoint():
            line._accept()
        self.assertEqual(line.state, "offered", "time is left to buy credits")

    def test_a_canceller_is_not_offered_his_own_seat(self):
        seat = self.fill()
        with self.assertRaises(SessionUnavailable), self.env.cr.savepoint():
            self.join(seat.partner_id)
        line = self.join(self.person("Ada"))
        seat._cancel_by_customer()
        self.assertEqual(line.state, "offered")
        again = self.join(seat.partner_id)
        self.assertEqual((again.state, again.position), ("waiting", 1))

    def test_more_capacity_is_offered_to_the_line(self):
        self.fill()
        line = self.join(*(self.person(name) for name in ("Ada", "Bob", "Cleo")))
        self.session.seats_max = 3
        self.assertEqual(line.mapped("state"), ["offered", "offered", "waiting"])
        self.session.seats_limited = False
        self.assertEqual(line[2].state, "offered")

    def test_a_seat_by_another_door_ends_the_wait(self):
        seat = self.fill()
        ada = self.person("Ada")
        line = self.join(ada)
        seat._cancel_by_customer()
        by_phone = self.env["event.registration"].create({
            "event_id": self.session.id, "partner_id": ada.id, "name": "Ada",
            **self.outside})
        self.assertEqual((line.state, line.registration_id), ("seated", by_phone))

    def test_employee_spends_the_company_s_credits(self):
        company = self.env["res.partner"].create({"name": "ACME", "is_company": True})
        emma, eric = self.person("Emma", 0), self.person("Eric", 0)
        (emma | eric).parent_id = company
        wallet = self.env["credit.wallet"]._of(company, self.company)
        wallet._grant(2, 0.0, "acme", kind="adjustment", reason="Test")
        wallet.spender_ids = eric
        seat = self.fill()
        line = self.join(emma, eric)
        seat._cancel_by_customer()
        self.assertEqual(line.mapped("state"), ["waiting", "offered"])
        self.assertEqual(line[1]._accept().credit_entry_id.wallet_id, wallet)

    def test_session_called_off_ends_the_line(self):
        seat = self.fill()
        line = self.join(self.person("Ada"), self.person("Bob"))
        seat._cancel_by_customer()
        self.session._cancel_session()
        self.assertEqual(line.mapped("state"), ["closed", "closed"])
        self.assertFalse(self.session.seats_held)

    def test_staff_see_and_act_others_do_not(self):
        seat = self.fill()
        line = self.join(self.person("Ada"), self.person("Bob"), self.person("Cleo"))
        desk = new_test_user(self.env, "desk", "event.group_event_registration_desk")
        seat._cancel_by_customer()
        as_desk = line.with_user(desk)
        as_desk[0].action_accept()
        as_desk[1].action_leave()
        self.assertEqual(line.mapped("state"), ["seated", "left", "waiting"])
        with self.assertRaises(AccessError):
            as_desk[2].write({"state": "offered"})
        with self.assertRaises(AccessError):
            as_desk[2].unlink()
        portal = new_test_user(self.env, "stranger", "base.group_portal")
        with self.assertRaises(AccessError):
            line[2].with_user(portal).read(["state"])
        with self.assertRaises(AccessError):
            line[2].with_user(portal).action_leave()

    def test_no_query_for_each_in_line(self):
        self.fill()
        self.join(*(self.person(f"Poor{number}", 1) for number in range(3)))
        few = self.count_skipping()
        self.join(*(self.person(f"More{number}", 1) for number in range(12)))
        self.assertLessEqual(self.count_skipping(), few + 3)

    def count_skipping(self):
        """Count the queries of looking for who can pay a free seat."""
        line = self.session.waiting_ids.filtered(lambda place: place.state == "waiting")
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.assertFalse(line._filter_solvent())
        return self.env.cr.sql_log_count - before

    def test_session_called_off_offers_no_seat(self):
        """The seats it frees are nobody's: the line is closed and told so, once."""
        self.fill()
        place = self.join(self.person("Ada"))
        for _click in range(2):
            self.session._cancel_session()
        self.assertEqual((place.state, place.offered_until), ("closed", False))
        self.assertEqual(
            self.mails(place).mapped("subject"), [f"Session cancelled: {self.session.name}"])

    def test_session_moved_closer_shortens_the_offer(self):
        seat = self.fill()
        place = self.join(self.person("Ada"))
        seat.action_cancel()
        self.assertEqual(place.state, "offered")
        soon = fields.Datetime.now() + timedelta(hours=2)
        self.session._move_session(soon, soon + timedelta(hours=2))
        self.assertEqual(place.offered_until, soon)
