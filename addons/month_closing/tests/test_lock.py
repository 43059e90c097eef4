from datetime import date, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError

from .common import DAY, MONTH, MonthCase


class TestLock(MonthCase):

    def lock(self, month=MONTH, user=None, **vals):
        action = self.env["month.closing"].with_user(user or self.accountant).action_lock(month)
        lock = self.env["month.lock"].with_user(user or self.accountant).browse(action["res_id"])
        lock.write(vals)
        return lock

    def test_dialog_says_what_is_open_and_what_changes(self):
        self.invoice(self.make_customer("FR"), day=DAY, post=False, date=DAY)
        lock = self.lock()
        self.assertIn("Drafts", lock.open_html)
        self.assertTrue(lock.open_count)
        self.assertEqual(lock.change_html.count("<li>"), 4)
        self.assertRegex(lock.change_html, "Sales: none → [^<]*2025")
        self.assertFalse(lock.hard_lock_date)

    def test_locked_month(self):
        page = self.page()
        self.assertFalse(page["is_locked"])
        self.assertFalse(any(each["covers"] for each in page["locks"]))
        self.lock().action_lock()
        page = self.page()
        self.assertTrue(page["is_locked"])
        self.assertEqual(
            [each["field"] for each in page["locks"] if each["covers"]],
            ["sale_lock_date", "purchase_lock_date", "tax_lock_date", "fiscalyear_lock_date"])
        self.assertFalse(self.page("2025-04")["is_locked"])
        self.assertGreater(
            self.invoice(self.make_customer("FR"), day=DAY).date, date(2025, 3, 31))
        with self.assertRaisesRegex(UserError, "Nothing changes"):
            self.lock().action_lock()

    def test_month_is_opened_again(self):
        self.lock().action_lock()
        self.lock(sale_lock_date=False, purchase_lock_date=False, tax_lock_date=False,
                  fiscalyear_lock_date=date(2025, 2, 28)).action_lock()
        self.assertFalse(self.page()["is_locked"])
        self.assertTrue(self.page("2025-02")["is_locked"])

    def test_earlier_month_moves_no_date_back(self):
        self.lock().action_lock()
        lock = self.lock("2025-01")
        self.assertFalse(lock.change_html)
        self.assertEqual(lock.fiscalyear_lock_date, date(2025, 3, 31))

    def test_month_that_is_not_over(self):
        today = self.company._closing_today()
        with self.assertRaisesRegex(UserError, "is not over"):
            self.lock(f"{today:%Y-%m}")
        # Where the company is: on the evening of the 31st in New York, Paris has the 1st.
        with freeze_time("2025-04-01 02:00:00"):
            self.lock()
            self.company.partner_id.tz = "America/New_York"
            with self.assertRaisesRegex(UserError, "is not over"):
                self.lock()

    def test_day_to_come_is_refused(self):
        tomorrow = self.company._closing_today() + timedelta(days=1)
        with self.assertRaisesRegex(UserError, "yet to come"):
            self.lock(fiscalyear_lock_date=tomorrow).action_lock()
        for name in self.company._closing_lock_fields():
            with self.assertRaisesRegex(UserError, "yet to come"):
                self.company[name] = tomorrow
        self.company.sale_lock_date = tomorrow - timedelta(days=1)

    def test_who_locks(self):
        for user in (self.reader, self.clerk):
            with self.assertRaises(AccessError):
                self.lock(user=user)
        other = self.env["res.company"].create({"name": "Other"})
        lock = self.lock()
        lock.company_id = other
        with self.assertRaisesRegex(AccessError, "do not work for this company"):
            lock.action_lock()
        self.assertFalse(other.fiscalyear_lock_date)
        # A dialog made by RPC for a month that is not over locks nothing.
        lock = self.env["month.lock"].with_user(self.accountant).create({
            "company_id": self.company.id, "month": f"{self.company._closing_today():%Y-%m}",
            "fiscalyear_lock_date": date(2025, 3, 31)})
        with self.assertRaisesRegex(UserError, "is not over"):
            lock.action_lock()
