from datetime import timedelta

from odoo import fields

from .test_cases import CasesCommon

NONE = "–"  # nothing to do it with
ACTIONS = (
    "start", "cancel", "cancel_now", "keep", "pause", "pause_until", "resume", "upgrade",
    "downgrade", "new_cycle", "seats_later", "drop", "announce", "past_due", "suspend", "pay",
    "charge", "write_off", "write_off_and_go_on", "hold", "release", "end_by_hand",
    "end_yesterday", "resume_by_hand", "credit_by_hand", "invoice_to_draft", "other_card",
    "no_card", "delete")


class StatesCommon(CasesCommon):
    """What customers and staff may do with a subscription, the scheduled actions of a day, and
    what must hold after each.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "lang": "en_US"})
        cls.tried = cls.make_plan("Tried", 100.0, trial_days=30)
        cls.yearly = cls.make_plan("Yearly", 1000.0, unit="year")
        cls.classPatch(cls.registry["ir.cron"], "_commit_progress", cls.flush_instead)
        cls.account = cls.env["account.account"].create(
            {"name": "Losses", "code": "654999", "account_type": "expense"})

    @staticmethod
    def flush_instead(cron, *args, **kwargs):
        """Write what would be committed: a test has one transaction."""
        cron.env.flush_all()
        return float("inf")

    def run_everything(self, day):
        """Run the scheduled actions of a day, in the order they come."""
        with self.at(day):
            self.env["subscription.run"]._cron_renew()
            periods = self.env["subscription.period"]
            periods._cron_charge()
            periods._cron_past_due()
            periods._cron_dun()
            self.env["subscription.notice"]._cron_notify()
            self.env["subscription.run"]._cron_renew()  # of what was paid just now
            self.env.flush_all()

    # What must hold -------------------------------------------------------------------------------

    def assertSound(self, subscription, cell):
        rows = subscription.period_ids.filtered(
            lambda period: period.state != "void" and period.kind != "usage").sorted("date_start")
        for row, following in zip(rows, rows[1:], strict=False):
            self.assertEqual(row.date_end, following.date_start, f"{cell}: rows tile time")
        if rows and subscription.state in subscription._LIVE_STATES:
            self.assertEqual(rows[-1].date_end, subscription.next_date, f"{cell}: up to the next")
        for period in subscription.period_ids:
            self.assertLessEqual(period.credited, period.amount, cell)
        chased = subscription.period_ids.filtered(
            lambda period: period.state == "invoiced" and period.dunning_start)
        self.assertFalse(subscription.state == "active" and chased, f"{cell}: active, and chased")
        self.assertTrue(subscription._state_sentence(), cell)
        subscription.invalidate_recordset(["next_total"])
        self.assertGreaterEqual(subscription.next_total, 0, cell)

    def assertNothingLeft(self, subscription, cell):
        """Check that the run has done what was due, and held nothing for a reason of its own."""
        self.assertNotIn("unforeseen", subscription.hold_reason or "", cell)
        self.assertFalse(
            not subscription.is_held and subscription.next_run_at
            and subscription.next_run_at <= fields.Datetime.now(), f"{cell}: still due")
        if subscription._is_past_end() and subscription.state != "draft":
            self.assertEqual(subscription.state, "ended", f"{cell}: over")

    # Actions --------------------------------------------------------------------------------------

    def act(self, subscription, action):
        """Do something as staff or customer; return NONE when there is nothing to do it with."""
        return getattr(self, f"do_{action}", lambda each: getattr(each, f"_{action}")())(
            subscription)

    def do_start(self, subscription):
        subscription.action_start()

    def do_cancel_now(self, subscription):
        subscription._cancel(now=True)

    def do_keep(self, subscription):
        subscription._withdraw_cancellation()

    def do_pause_until(self, subscription):
        subscription._pause(resume_date=subscription._today() + timedelta(days=21))

    def do_upgrade(self, subscription):
        subscription._change(self.pro.price_ids)

    def do_downgrade(self, subscription):
        subscription._change(self.make_plan("Small", 50.0).price_ids)

    def do_new_cycle(self, subscription):
        subscription._change(self.yearly.price_ids)

    def do_seats_later(self, subscription):
        subscription._change(quantity=3, timing="period_end")

    def do_drop(self, subscription):
        subscription._drop_planned_change()

    def do_announce(self, subscription):
        subscription.price_id._announce(130.0, subscription._today() + timedelta(days=43))
        self.env["subscription.notice"]._cron_notify()

    def do_past_due(self, subscription):
        subscription._mark_past_due()

    def do_pay(self, subscription):
        invoice = subscription.period_ids.filtered(
            lambda period: period.state == "invoiced").invoice_id
        if not invoice:
            return NONE
        self.pay(invoice)

    def do_charge(self, subscription):
        subscription.action_charge()
        self.env["subscription.period"]._cron_charge()

    def do_write_off(self, subscription, end=True):
        period = subscription.period_ids.filtered("invoice_id")[:1]
        if not period:
            return NONE
        period._write_off(self.account, subscription._today(), end=end)

    def do_write_off_and_go_on(self, subscription):
        return self.do_write_off(subscription, end=False)

    def do_hold(self, subscription):
        if subscription.state not in subscription._LIVE_STATES:
            return NONE
        subscription._hold("A number is missing.")

    def do_release(self, subscription):
        subscription.action_release()

    def do_end_by_hand(self, subscription):
        subscription.end_date = subscription._today() + timedelta(days=31)

    def do_end_yesterday(self, subscription):
        subscription.end_date = subscription._today() - timedelta(days=1)

    def do_resume_by_hand(self, subscription):
        subscription.resume_date = subscription._today() + timedelta(days=1)

    def do_credit_by_hand(self, subscription):
        """Credit a part by hand, with Odoo's own wizard."""
        invoice = self.invoices(subscription)[:1]
        if not invoice:
            return NONE
        day = subscription._today()
        note = invoice._reverse_moves([{"invoice_date": day, "date": day}])
        note.invoice_line_ids.price_unit = 10.0
        note.action_post()

    def do_invoice_to_draft(self, subscription):
        period = subscription.period_ids.filtered("invoice_id")[:1]
        if not period:
            return NONE
        period.invoice_id.button_draft()
        period.invoice_id.button_cancel()
        period.action_invoice_again()

    def do_other_card(self, subscription):
        subscription.token_id = self.make_token()

    def do_no_card(self, subscription):
        subscription.token_id = False

    def do_delete(self, subscription):
        subscription.unlink()
