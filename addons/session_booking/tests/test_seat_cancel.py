from datetime import timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common_desk import DeskCommon


@tagged("post_install", "-at_install")
class TestSeatCancel(DeskCommon):
    """Issue 20, parts 3 and 5: who paid, and what cancelling a booking gives back to whom."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sell(cls.make_pack(10, 100.0, credit_validity_months=12), partner=cls.ana)
        cls.session = cls.make_session()

    def dialog(self, seats, **vals):
        action = seats.with_user(self.desk).action_ask_cancel()
        wizard = self.env[action["res_model"]].with_user(self.desk).with_context(
            lang="en_US", **action["context"])
        return wizard.create(vals)

    def cancel(self, seats, for_customer=True):
        seats.with_user(self.desk)._cancel_by_staff(for_customer)

    def later(self, session):
        return freeze_time(session.date_begin - timedelta(hours=1))

    # Who paid -----------------------------------------------------------------------------

    def test_staff_see_who_paid_from_which_wallet(self):
        acme = self.env["res.partner"].create({"name": "ACME", "is_company": True})
        self.wallet_of(acme)._grant(4, 0.0, "acme", kind="adjustment", reason="Test")
        seat = self.session._book(self.wallet_of(acme), self.bob, "bob")
        shown = seat.with_user(self.desk)
        self.assertEqual(shown.payer_id, acme)
        self.assertEqual(shown.payment_label, "2 credits from the wallet of ACME")
        guest = self.env["event.registration"].create(
            {"event_id": self.session.id, "name": "Guest", **self.outside})
        self.assertEqual(guest.with_user(self.desk).payment_label, "Paid outside: Quote")
        with self.assertRaises(AccessError):
            shown.read(["wallet_id"])
        seat.action_cancel()
        self.assertEqual(shown.payment_label, "2 credits, back in the wallet of ACME")

    def test_paid_outside_states_why_by_every_door(self):
        desk = self.env["event.registration"].with_user(self.desk)
        for reason in (False, "", "  ", "\t\n"):
            with self.subTest(reason=reason), mute_logger("odoo.sql_db"), \
                    self.assertRaises(IntegrityError), self.env.cr.savepoint():
                desk.create({"event_id": self.session.id, "name": "Eve", "paid_outside": True,
                             "outside_reason": reason})
        with mute_logger("odoo.sql_db"):
            message = desk.load(
                ["event_id/.id", "name", "paid_outside"],
                [[str(self.session.id), "Eve", "1"]])["messages"][0]["message"]
        self.assertIn("State how a seat", message)
        seat = desk.create({"event_id": self.session.id, "name": "Eve", **self.outside})
        other = self.make_session(days=12)
        self.assertEqual(seat.sudo()._swap_to(other, "swap").outside_reason, "Quote")

    def test_sessions_are_named_with_their_date(self):
        session = self.make_session(
            date_begin="2026-12-12 08:00:00", date_end="2026-12-12 10:00:00", seats_max=3)
        french = session.with_context(lang="fr_FR")
        self.assertEqual(french.display_name, "Public speaking – 12/12/2026 09:00")
        self.assertEqual(
            session.with_context(
                name_with_seats_availability=True, lang="en_US").display_name,
            "Public speaking – 12/12/2026 09:00 (3 seats remaining)")
        slug = self.env["ir.http"]._slug(session)
        self.assertEqual(slug, f"public-speaking-{session.id}", "addresses stay as they were")
        session.date_begin = "2026-12-12 09:00:00"
        self.assertEqual(french.display_name, "Public speaking – 12/12/2026 10:00")
        session.event_type_id = False
        self.assertEqual(session.display_name, "Public speaking")

    # The dialog ---------------------------------------------------------------------------

    def test_before_the_deadline_the_dialog_says_what_goes_back(self):
        seat = self.seat(self.session, self.ana)
        wizard = self.dialog(seat)
        self.assertFalse(wizard.choice_matters)
        expiry = seat.credit_entry_id.lot_move_ids.lot_id.expiry_date
        for text in ("Ana", "2 credits, to use until", f"{expiry:%m/%d/%Y}"):
            self.assertIn(text, wizard.returns)
        self.cancel(seat)
        self.assertEqual((seat.state, self.wallet_of(self.ana).balance), ("cancel", 10))
        self.assertFalse(seat.credits_kept)
        [mail] = self.mails(seat, "is cancelled")
        self.assertIn("2 credits", mail.body_html)

    def test_after_the_deadline_who_cancels_matters(self):
        seat = self.seat(self.session, self.ana)
        with self.later(self.session):
            wizard = self.dialog(seat)
            self.assertTrue(wizard.choice_matters)
            self.assertIn("Nothing: free cancellation ended on", wizard.returns)
            form = Form(wizard)
            form.asked_by = "centre"
            self.assertIn("2 credits, to use until", form.returns)
            self.cancel(seat)
            self.assertEqual((seat.state, self.wallet_of(self.ana).balance), ("cancel", 8))
            self.assertTrue(seat.credits_kept)
            [mail] = self.mails(seat, "is cancelled")
            self.assertIn("are not returned", mail.body_html)
            for _click in range(2):
                seat.action_cancel()
            self.assertEqual(self.wallet_of(self.ana).balance, 8, "kept is kept")
            self.assertEqual(
                seat.payment_label, "2 credits from the wallet of Ana, not returned")
            action = seat.with_user(self.desk).action_give_back()
            self.assertEqual(action["context"]["default_asked_by"], "centre")
            for _click in range(2):
                self.cancel(seat, for_customer=False)
        self.assertEqual(self.wallet_of(self.ana).balance, 10)
        self.assertEqual(seat.refund_entry_id.move_ids.move_type, "out_refund")
        self.assertFalse(seat.credits_kept)

    def test_kept_seat_taken_again_is_paid(self):
        seat = self.seat(self.session, self.ana)
        with self.later(self.session):
            self.cancel(seat)
            seat.with_user(self.desk).action_confirm()
            self.assertEqual((seat.state, seat.credits_kept), ("open", False))
            self.cancel(seat, for_customer=False)
        self.assertEqual(self.wallet_of(self.ana).balance, 10)

    def test_several_at_once_each_by_its_own_deadline(self):
        soon = self.make_session(days=1)
        seats = self.seat(self.session, self.ana) | self.seat(soon, self.ana)
        wizard = self.dialog(seats)
        self.assertTrue(wizard.choice_matters)
        self.assertIn("Nothing: free cancellation", wizard.returns)
        self.assertIn("2 credits, to use until", wizard.returns)
        self.cancel(seats)
        self.assertEqual(seats.mapped("credits_kept"), [False, True])
        self.assertEqual(self.wallet_of(self.ana).balance, 8)

    def test_expired_credits(self):
        """By choice they come back as they are; from the centre they can be spent again."""
        lot = self.wallet_of(self.ana).lot_ids
        begin = fields.Datetime.to_datetime(lot.expiry_date) + timedelta(days=20)
        session = self.make_session(date_begin=begin, date_end=begin + timedelta(hours=2))
        seat = self.seat(session, self.ana)
        with freeze_time(lot.expiry_date + timedelta(days=2)):
            wizard = self.dialog(seat)
            self.assertTrue(wizard.choice_matters)
            self.assertIn("expired since", wizard.returns)
            wizard.asked_by = "centre"
            self.assertNotIn("expired since", wizard.returns)
            self.assertIn("to use until", wizard.returns)

    def test_seat_paid_outside_says_so(self):
        guest = self.env["event.registration"].create(
            {"event_id": self.session.id, "name": "<b>Guest</b>", **self.outside})
        returns = self.dialog(guest).returns
        self.assertIn("Nothing: Paid outside: Quote", returns)
        self.assertIn("&lt;b&gt;Guest", returns)
        self.cancel(guest)
        self.assertEqual(guest.state, "cancel")

    def test_others_are_kept_out(self):
        seat = self.seat(self.session, self.ana)
        for login in ("base.public_user", "base.template_portal_user_id"):
            user = self.env.ref(login)
            with self.assertRaises(AccessError):
                seat.with_user(user).action_ask_cancel()
            with self.assertRaises(AccessError):
                seat.with_user(user)._cancel_by_staff(False)
        self.assertEqual(seat.state, "open")

