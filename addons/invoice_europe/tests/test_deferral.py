import os
import random
from datetime import date, datetime, timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form
from odoo.tools import mute_logger

from odoo.addons.invoice_europe.tools import months

from .common import EuropeCase

LIVES = int(os.environ.get("DEFERRAL_LIVES", "10"))  # many more by hand
START, END = date(2026, 10, 15), date(2027, 10, 14)
YEAR = {"deferred_start_date": START, "deferred_end_date": END, "price_unit": 1200.0}


class TestDeferral(EuropeCase):
    """A year's price is earned by its civil months: 487 and 706 agree with the shares at any
    time, to the cent."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.deferred = cls.company.deferral_account_id
        cls.customer = cls.make_customer("FR")
        cls.shares = cls.env["revenue.deferral"]

    def setUp(self):
        super().setUp()
        self.earned_before = self.balance(self.revenue)
        self.owed_before = self.balance(self.deferred)

    def tearDown(self):
        self.assertEqual(self.shares._violations(), [])
        super().tearDown()

    def year(self, day=START, **line):
        return self.invoice(self.customer, {**YEAR, **line}, day=day)

    def earn(self, day):
        """Run the scheduled action on a day."""
        with freeze_time(datetime(day.year, day.month, day.day, 12)), \
                self.enter_registry_test_mode():
            self.env.ref("invoice_europe.ir_cron_earn").method_direct_trigger()
        # It has a transaction of its own: Odoo forgets the numbers that it gave in this one.
        self.env.cr.precommit.data.pop("sequence.mixin", None)

    def earned(self, until=None):
        return round(self.balance(self.revenue, until) - (
            0 if until else self.earned_before), 2)

    def owed(self):
        return round(self.balance(self.deferred) - self.owed_before, 2)

    # Amounts ------------------------------------------------------------------------------------

    def test_months_add_up(self):
        """Whatever the amount and the days, the shares are in order and add up exactly."""
        for amount in (0.01, -0.05, 99.99, 1200.0, -1199.99, 100000.01):
            for end in (date(2026, 10, 15), date(2026, 10, 31), date(2026, 11, 1),
                        date(2027, 10, 14), date(2028, 2, 29)):
                with self.subTest(amount=amount, end=end):
                    shares = months.spread(amount, START, end, 0.01)
                    self.assertEqual(round(sum(share for _month, share in shares), 2), amount)
                    self.assertEqual(
                        [month for month, _share in shares], months.civil_months(START, end))
                    self.assertTrue(all(share * amount >= 0 for _month, share in shares))

    def test_by_the_day(self):
        """17 of 365 days of 1,200.00 in October, 14 in the last one."""
        shares = dict(months.spread(1200.0, START, END, 0.01))
        self.assertEqual(shares[date(2026, 10, 1)], 55.89)
        self.assertEqual(shares[date(2027, 2, 1)], 92.05)
        self.assertEqual(shares[date(2027, 10, 1)], 46.03)
        self.assertEqual(len(shares), 13)

    # Books --------------------------------------------------------------------------------------

    def test_invoice_of_a_year(self):
        invoice = self.year()
        self.assertEqual((self.earned(), self.owed()), (55.89, 1144.11))
        self.assertEqual(invoice.revenue_deferral_count, 12)
        self.earn(date(2026, 11, 29))
        self.assertEqual(self.owed(), 1144.11)
        self.earn(date(2026, 11, 30))
        self.earn(date(2026, 11, 30))  # once
        self.assertEqual((self.earned(), self.owed()), (154.52, 1045.48))
        entry = invoice.revenue_deferral_ids.earned_entry_id
        self.assertEqual((len(entry), entry.date, entry.state),
                         (1, date(2026, 11, 30), "posted"))
        self.earn(date(2027, 10, 31))
        self.assertEqual((self.earned(), self.owed()), (1200.0, 0.0))
        self.assertEqual(
            invoice.revenue_deferral_ids.mapped("earned_entry_id.date")[-1], date(2027, 10, 31))

    def test_one_entry_a_month_for_all(self):
        moves = self.year() + self.year()
        self.earn(date(2026, 12, 31))
        entries = moves.revenue_deferral_ids.earned_entry_id
        self.assertEqual(len(entries), 2)
        self.assertEqual(len(entries[0].line_ids), 4)

    def test_one_bad_share_stops_no_other(self):
        """The account of one was closed: the others are posted, an accountant is told once."""
        poisoned, good = self.year(), self.year()
        closed = self.revenue.copy({"code": "706998"})
        share = poisoned.revenue_deferral_ids.sorted("month")[0]
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE revenue_deferral SET account_id = %s WHERE id = %s", [closed.id, share.id])
        self.env.cr.execute("UPDATE account_account SET active = FALSE WHERE id = %s", [closed.id])
        self.env.invalidate_all()
        with mute_logger("odoo.addons.concurrency_base.tools.isolation"):
            self.earn(date(2026, 12, 31))
            self.earn(date(2026, 12, 31))
        self.assertFalse(share.earned_entry_id)
        self.assertEqual(len((poisoned | good).revenue_deferral_ids.filtered(
            "earned_entry_id")), 3)
        self.assertEqual(len(poisoned.activity_ids), 1)
        self.assertFalse(good.activity_ids)

    def test_short_service_is_earned_at_once(self):
        month = self.year(deferred_end_date=date(2026, 11, 14))
        self.assertFalse(month.revenue_deferral_ids)
        self.company.deferral_min_months = 2
        self.assertTrue(self.year(deferred_end_date=date(2026, 11, 14)).revenue_deferral_ids)
        self.company.deferral_account_id = False
        self.assertFalse(self.year().revenue_deferral_ids)

    def test_credit_note_gives_back_its_months(self):
        """Cut in March: the days given back leave deferred revenue, the others are earned."""
        invoice = self.year()
        self.earn(date(2027, 2, 28))
        note = self.invoice(
            self.customer, {**YEAR, "deferred_start_date": date(2027, 3, 15),
                            "price_unit": 703.56}, move_type="out_refund",
            day=date(2027, 3, 15), reversed_entry_id=invoice.id)
        self.assertTrue(all(share.amount < 0 for share in note.revenue_deferral_ids))
        self.earn(date(2027, 10, 31))
        self.assertEqual((self.earned(), self.owed()), (round(1200 - 703.56, 2), 0.0))
        self.assertEqual(self.balance(self.revenue, date(2027, 3, 31)),
                         self.balance(self.revenue))

    def test_credit_note_by_the_button(self):
        invoice = self.year()
        self.earn(date(2026, 12, 31))
        with freeze_time("2027-01-10"):
            wizard = self.env["account.move.reversal"].with_context(
                active_model="account.move", active_ids=invoice.ids).create(
                    {"journal_id": invoice.journal_id.id})
            note = self.env["account.move"].browse(wizard.refund_moves()["res_id"])
            note.action_post()
        self.assertTrue(note.revenue_deferral_ids)
        self.earn(date(2027, 10, 31))
        self.assertEqual((self.earned(), self.owed()), (0.0, 0.0))

    def waiting(self, *invoices):
        """Sum what invoices and their credit notes still defer, by month; leave out zeros."""
        return {
            month: amount for invoice in invoices for line in invoice.invoice_line_ids
            for month, amount in line._waiting_by_month().items()}

    def credit(self, invoice, day, price, **line):
        """Make a credit note by hand that names its invoice, and nothing more."""
        return self.invoice(
            self.customer, {"price_unit": price, **line}, move_type="out_refund", day=day,
            corrected_invoice_ids=[Command.set(invoice.ids)],
            currency_id=invoice.currency_id.id)

    def test_short_credit_note(self):
        """What is given back of the last weeks of a year does not stay deferred."""
        invoice = self.year()
        self.earn(date(2027, 8, 31))
        self.credit(invoice, date(2027, 9, 15), 95.34, deferred_start_date=date(2027, 9, 16),
                    deferred_end_date=END)
        self.assertEqual(self.waiting(invoice), {date(2027, 9, 1): 49.31})
        self.assertEqual(self.owed(), 49.31)
        self.earn(date(2027, 9, 30))
        self.assertEqual((self.earned(), self.owed()), (1104.66, 0.0))

    def test_nothing_is_owed_from_the_credit_note_on(self):
        """Not only when the month is over: the month of the credit note was not earned yet."""
        invoice = self.year()
        self.earn(date(2026, 12, 31))
        note = self.credit(invoice, date(2027, 1, 20), 1200.0)
        self.assertEqual((note.invoice_line_ids.deferred_start_date, self.waiting(invoice)),
                         (START, {}))
        self.assertEqual((self.earned(), self.owed()), (0.0, 0.0))
        self.earn(date(2027, 10, 31))
        self.assertEqual((self.earned(), self.owed()), (0.0, 0.0))

    def test_credit_note_of_a_price(self):
        """A rebate on the whole service lowers each of its months, those that are over at once."""
        invoice = self.year()
        self.earn(date(2026, 12, 31))
        self.credit(invoice, date(2027, 1, 20), 120.0)
        self.assertEqual(self.waiting(invoice)[date(2027, 2, 1)], round(92.05 * 0.9, 2))
        self.earn(date(2027, 10, 31))
        self.assertEqual((self.earned(), self.owed()), (1080.0, 0.0))

    def test_credit_notes_in_parts(self):
        """Whatever the parts, the last one leaves nothing."""
        for parts in ((600.0, 600.0), (0.01, 1199.99), (333.33, 333.33, 533.34), (1199.98, 0.02)):
            with self.subTest(parts):
                invoice, before = self.year(), self.owed()
                owed = before - 1144.11
                for part in parts:
                    self.credit(invoice, date(2026, 10, 20), part)
                self.assertEqual((self.waiting(invoice), self.owed()), ({}, round(owed, 2)))

    def test_credit_note_of_an_order(self):
        """Odoo makes it of the order alone: it finds the invoice by the line of the order."""
        order = self.env["sale.order"].create({
            "partner_id": self.customer.id, "order_line": [Command.create({
                "product_id": self.service.id, "product_uom_qty": 2, "price_unit": 600.0})]})
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.invoice_date = START
        invoice.invoice_line_ids.write(
            {"deferred_start_date": START, "deferred_end_date": END})
        invoice.action_post()
        order.order_line.product_uom_qty = 0
        note = order._create_invoices(final=True)
        note.invoice_date = START
        note.action_post()
        self.assertEqual((note.move_type, note.corrected_invoice_ids), ("out_refund", invoice))
        self.assertEqual(note.invoice_line_ids.corrected_line_id, invoice.invoice_line_ids)
        self.assertEqual((self.waiting(invoice), self.owed()), ({}, 0.0))

    def test_credit_note_at_another_rate_of_exchange(self):
        """What was deferred is cleared; the difference of the rates is revenue of the note's."""
        dollar = self.env.ref("base.USD")
        dollar.active = True
        dollar.rate_ids.create([
            {"currency_id": dollar.id, "company_id": self.company.id, "name": day, "rate": rate}
            for day, rate in (("2026-10-01", 1.25), ("2027-01-01", 1.5))])
        invoice = self.invoice(self.customer, YEAR, day=START, currency_id=dollar.id)
        self.earn(date(2026, 12, 31))
        self.credit(invoice, date(2027, 1, 20), 1200.0)
        self.assertEqual((self.waiting(invoice), self.owed()), ({}, 0.0))
        self.assertEqual(self.earned(), round(1200 / 1.25 - 1200 / 1.5, 2))

    def test_two_lines_alike(self):
        """Two credit note lines correct two invoice lines of the same product, each its own."""
        invoice = self.invoice(
            self.customer, YEAR, {**YEAR, "price_unit": 600.0}, day=START)
        note = self.invoice(
            self.customer, {"price_unit": 600.0}, {"price_unit": 1200.0}, day=START,
            move_type="out_refund", corrected_invoice_ids=[Command.set(invoice.ids)])
        self.assertEqual(
            note.invoice_line_ids.corrected_line_id.mapped("price_unit"), [600.0, 1200.0])
        self.assertEqual((self.waiting(invoice), self.owed()), ({}, 0.0))

    def test_what_is_kept_takes_nothing_back(self):
        """A line of the other sign on a credit note, such as a fee, is no credit."""
        invoice = self.year()
        self.invoice(
            self.customer, {"price_unit": 1200.0}, {"price_unit": 50.0, "quantity": -1},
            day=START, move_type="out_refund", corrected_invoice_ids=[Command.set(invoice.ids)])
        self.assertEqual((self.waiting(invoice), self.owed()), ({}, 0.0))

    def test_invoice_replaced(self):
        """Odoo's « Modify »: the new invoice is spread anew, and corrects nothing."""
        invoice = self.year()
        with freeze_time("2026-10-20"):
            wizard = self.env["account.move.reversal"].with_context(
                active_model="account.move", active_ids=invoice.ids).create(
                    {"journal_id": invoice.journal_id.id})
            replacement = self.env["account.move"].browse(wizard.modify_moves()["res_id"])
            replacement.invoice_date = START
            replacement.action_post()
        self.assertFalse(replacement.invoice_line_ids.corrected_line_id)
        self.assertEqual((self.waiting(invoice), self.owed()), ({}, 1144.11))
        self.assertEqual(len(replacement.revenue_deferral_ids), 12)

    def test_invoice_in_draft_with_its_credit_note(self):
        """Nothing is deferred while the invoice is a draft; posted again, both are as before."""
        invoice = self.year()
        note = self.credit(invoice, START, 300.0)
        owed = self.owed()
        invoice.button_draft()
        self.assertEqual(self.owed(), 0.0)
        self.assertEqual(set(note.revenue_deferral_ids.mapped("state")), {"void"})
        invoice.action_post()
        self.assertEqual(self.owed(), owed)
        note.button_draft()
        self.assertEqual(self.owed(), 1144.11)

    def test_days_of_what_is_spread_stay(self):
        line = self.year().invoice_line_ids
        with self.assertRaisesRegex(UserError, "Reset it to draft"):
            line.deferred_end_date = END.replace(day=1)
        line.move_id.button_draft()
        line.deferred_end_date = END.replace(day=1)

    def test_random_lives(self):
        """Whatever is credited when: no month owes less than nothing, nothing stays when all is
        given back, and all is earned in the end."""
        for seed in range(LIVES):
            lot = random.Random(seed)
            with self.subTest(seed=seed):
                self.check_life(lot)

    def check_life(self, lot):
        owed, day = self.owed(), date(2026, lot.randint(1, 12), lot.randint(1, 28))
        end = day + timedelta(days=lot.randint(80, 500))
        price = round(lot.uniform(1, 5000), 2)
        invoice = self.invoice(self.customer, {
            "price_unit": price, "deferred_start_date": day, "deferred_end_date": end},
            day=day + timedelta(days=lot.choice([-20, 0, 0, 40])))
        line, left = invoice.invoice_line_ids, price
        shares = {share.month: share.amount for share in line.revenue_deferral_ids}
        while left and lot.random() < 0.8:
            day = min(day + timedelta(days=lot.randint(0, 120)), end)
            if lot.random() < 0.5:
                self.earn(day)
            part = left if lot.random() < 0.3 else round(left * lot.random(), 2)
            dates = {} if lot.random() < 0.4 else {
                "deferred_start_date": day, "deferred_end_date": end}
            if part:
                self.credit(invoice, day, part, **({} if part == left else dates))
                left = round(left - part, 2)
            for month, amount in line._waiting_by_month().items():
                self.assertGreaterEqual(amount, 0.0)
                self.assertLessEqual(amount, shares[month])
        if not left:
            self.assertEqual(self.waiting(invoice), {})
            self.assertEqual(self.owed(), owed)
        self.earn(end + timedelta(days=31))
        self.assertEqual(self.owed(), owed)

    def test_back_to_draft_and_posted_again(self):
        invoice = self.year()
        self.earn(date(2026, 12, 31))
        invoice.button_draft()
        self.assertEqual((self.earned(), self.owed()), (0.0, 0.0))
        self.assertEqual(set(invoice.revenue_deferral_ids.mapped("state")), {"void"})
        invoice.invoice_line_ids.price_unit = 365.0
        invoice.action_post()
        self.assertEqual((self.earned(), self.owed()), (17.0, 348.0))
        self.earn(date(2026, 12, 31))
        self.assertEqual((self.earned(), self.owed()), (78.0, 287.0))

    def test_locked_months(self):
        """A month closed by the accountant is earned on the first open day after it."""
        self.company.partner_id.lang = "en_US"  # scheduled actions speak it
        invoice = self.year()
        with freeze_time("2027-01-15 12:00:00"):  # no day to come is locked
            self.company.fiscalyear_lock_date = date(2026, 12, 31)
        self.earn(date(2026, 12, 31))
        entries = invoice.revenue_deferral_ids.earned_entry_id
        self.assertEqual(set(entries.mapped("date")), {date(2027, 1, 1)})
        for entry in entries:
            self.assertIn("the first open day", "".join(entry.message_ids.mapped("body")))

    def test_reconciliation_at_the_end_of_a_month(self):
        """An entry by hand is a difference that names it; what comes later does not count."""
        invoice = self.year()
        self.earn(date(2026, 11, 30))
        account = self.company.deferral_account_id
        (line,) = self.env["revenue.deferral"]._reconcile_on(self.company, date(2026, 10, 31))
        self.assertEqual((line["account"], line["difference"]), (account, 0.0))
        self.assertEqual(line["waiting"], sum(invoice.revenue_deferral_ids.mapped("amount")))
        entry = self.env["account.move"].create({
            "move_type": "entry", "date": date(2026, 11, 5), "line_ids": [
                Command.create({"name": "By hand", "account_id": account.id, "credit": 22.8}),
                Command.create({"name": "By hand", "account_id": self.revenue.id,
                                "debit": 22.8})]})
        entry.action_post()
        (before,) = self.env["revenue.deferral"]._reconcile_on(self.company, date(2026, 10, 31))
        self.assertEqual(before, line)
        (after,) = self.env["revenue.deferral"]._reconcile_on(self.company, date(2026, 11, 30))
        self.assertEqual((after["difference"], after["strangers"].move_id), (22.8, entry))
        self.assertLess(after["waiting"], line["waiting"])

    def test_entries_follow_the_invoice_only(self):
        invoice = self.year()
        with self.assertRaisesRegex(UserError, "spread the revenue"):
            invoice.revenue_deferral_ids.deferred_entry_id.button_draft()

    def test_a_month_is_deferred_once(self):
        share = self.year().revenue_deferral_ids[0]
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), \
                self.env.cr.savepoint():
            share.copy({"line_id": share.line_id.id})

    # Analytic accounts --------------------------------------------------------------------------

    def test_analytic_account_of_an_offer(self):
        """The account of the product is on the invoice and on each month's entry."""
        plan = self.env["account.analytic.plan"].create({"name": "Offers"})
        self.company.analytic_offer_plan_id = plan
        self.service.product_tmpl_id._make_analytic_accounts()
        self.service.product_tmpl_id._make_analytic_accounts()  # once
        account = self.env["account.analytic.account"].search([("plan_id", "=", plan.id)])
        self.assertEqual(account.mapped("name"), ["Remote course"])
        invoice = self.year()
        self.assertEqual(invoice.invoice_line_ids.analytic_distribution, {str(account.id): 100})
        self.earn(date(2026, 11, 30))
        items = self.env["account.analytic.line"].search([
            (plan._column_name(), "=", account.id)])
        self.assertEqual(round(sum(items.mapped("amount")), 2), 154.52)

    # Screens ------------------------------------------------------------------------------------

    def test_typed_in_the_form(self):
        with Form(self.env["account.move"].with_context(
                default_move_type="out_invoice")) as form:
            form.partner_id = self.customer
            form.invoice_date = START
            with form.invoice_line_ids.new() as line:
                line.product_id = self.service
                line.deferred_start_date, line.deferred_end_date = START, END
        invoice = form.save()
        invoice.action_post()
        self.assertEqual(
            self.env["revenue.deferral"].search(
                invoice.action_view_revenue_deferrals()["domain"]).mapped("state"),
            ["waiting"] * 12)

    def test_dates_in_order(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), \
                self.env.cr.savepoint():
            self.invoice(self.customer, {"deferred_start_date": END, "deferred_end_date": START})

    def test_batch_costs_no_query_a_line(self):
        """Thirty lines take hardly more queries than three."""
        def queries(count):
            move = self.invoice(self.customer, *[YEAR] * count, day=START, post=False)
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            move._post()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        queries(3)
        self.assertLess(queries(30) - queries(3), 27)

    def test_readers_only_read(self):
        share = self.year().revenue_deferral_ids[0]
        reader = self.env["res.users"].create({
            "name": "Reader", "login": "deferral_reader", "lang": "en_US",
            "group_ids": [Command.set([
                self.env.ref("base.group_user").id,
                self.env.ref("account.group_account_invoice").id])]})
        share = share.with_user(reader)
        self.assertTrue(share.amount)
        with self.assertRaises(UserError):
            share.write({"amount": 1})
