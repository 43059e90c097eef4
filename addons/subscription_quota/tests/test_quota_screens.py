"""What customers and staff see of the quotas: bars, forecast, alerts, near their limit."""

from ast import literal_eval
from datetime import date, timedelta

from psycopg2 import IntegrityError

from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger

from ..tools import chart, forecast
from .common_quota_screens import QuotaScreensCommon

START = date(2027, 1, 1)
END = date(2027, 2, 1)


@tagged("post_install", "-at_install")
class TestForecast(BaseCase):

    def test_agrees_with_counting_day_by_day(self):
        """At used/elapsed units a day, the first day on which the sum reaches the limit."""
        for elapsed in (2, 7, 15, 31):
            for used in (1, 10, 49, 99):
                today = START + timedelta(days=elapsed - 1)
                reached = next(
                    (START + timedelta(days=day - 1) for day in range(1, 32)
                     if used * day >= 100 * elapsed), None)
                self.assertEqual(
                    forecast.runs_out_on(START, END, today, used, 100), reached,
                    (elapsed, used))

    def test_silent_where_it_makes_no_sense(self):
        tenth = date(2027, 1, 10)
        for case in (
                (START, END, START, 90, 100),  # the first day: a morning is no pace
                (START, END, tenth, 0, 100), (START, END, tenth, 100, 100),
                (START, END, tenth, 120, 100), (START, END, tenth, 5, None),
                (START, END, tenth, 5, 0), (None, None, tenth, 5, 100),
                (START, END, tenth, 30, 100),  # 93 on the last day: it lasts
                (START, END, END, 99, 100)):
            self.assertIsNone(forecast.runs_out_on(*case), case)
        self.assertEqual(forecast.runs_out_on(START, END, tenth, 50, 100), date(2027, 1, 20))

    def test_bars_share_one_scale(self):
        bars = chart.bars([(0, 100), (50, 100), (200, None)])
        self.assertEqual([bar["height"] for bar in bars], [0.0, 24.0, 96.0])
        self.assertEqual([bar["limit_y"] for bar in bars], [48.0, 48.0, None])
        self.assertLessEqual(bars[-1]["x"] + bars[-1]["width"], chart.WIDTH)
        self.assertEqual(chart.bars([]), [])


@tagged("post_install", "-at_install")
class TestQuotaScreens(QuotaScreensCommon):

    def test_bar_says_used_left_and_reset(self):
        """Spec §8: « Affichage des quotas restants dans le dashboard utilisateur »."""
        subscription = self.subscribe(self.starter, START)
        with self.at(date(2027, 1, 10)):
            subscription._quota_consume("test_scans", 50)
            row = self.row(subscription)
            self.assertEqual((row["percent"], row["level"]), (50, "ok"))
            self.assertEqual(row["used_label"], "50 of 100 scans")
            self.assertIn("50 left – starts anew on ", row["note"])
            self.assertEqual(row["resets_on"], END)
            self.assertEqual(row["forecast"], date(2027, 1, 20))
            self.assertIsNone(self.row(subscription, self.accounts)["forecast"])
            usage = subscription._usage()
            self.assertFalse(usage["banner"])
            self.assertEqual(
                [(feature["name"], feature["enabled"]) for feature in usage["features"]],
                [("Test API", False)])

    def test_banner_offers_one_thing_to_do(self):
        subscription = self.subscribe(self.starter, START)
        with self.at(date(2027, 1, 10)):
            subscription._quota_consume("test_scans", 79)
            self.assertFalse(subscription._usage()["banner"])
            subscription._quota_consume("test_scans", 1)
            banner = subscription._usage()["banner"]
            self.assertEqual((banner["level"], banner["button"]), ("near", "Buy extra units"))
            subscription._quota_consume("test_scans", 20)
            banner = subscription._usage()["banner"]
            self.assertEqual(banner["level"], "full")
            self.assertIn("More is refused", banner["text"])
            self.pack.is_published = False
            banner = subscription._usage()["banner"]
            self.assertEqual(banner["button"], "Change to Pro")
            self.assertIn(f"price={self.pro.price_ids.id}", banner["url"])

    def test_limit_without_end_and_of_nothing(self):
        subscription = self.subscribe(self.pro, START)
        self.limit(self.pro, (self.env["quota.metric"].create(
            {"name": "Test none", "code": "test_none"}), 0))
        with self.at(START):
            self.assertIn("no limit", self.row(subscription, self.accounts)["used_label"])
            usage = subscription._usage()
        none = next(row for row in usage["rows"] if row["code"] == "test_none")
        self.assertEqual((none["used_label"], none["percent"]), (
            "not included in your plan", None))
        self.assertFalse(usage["banner"])

    def test_chart_of_the_last_periods(self):
        subscription = self.subscribe(self.starter, START)
        for month in range(1, 9):
            with self.at(date(2027, month, 5)):
                subscription._quota_consume("test_scans", month * 10)
                charts = subscription._usage()["charts"]
                self.assertEqual(len(charts), month > 1)
        self.assertEqual(
            [bar["used_label"] for bar in charts[0]["bars"]], ["30", "40", "50", "60", "70", "80"])
        self.assertEqual(charts[0]["bars"][-1]["day_label"], "01/08")

    # Alerts -----------------------------------------------------------------------------------

    def alerts(self, subscription):
        return self.env["quota.alert"].search(
            [("subscription_id", "=", subscription.id)], order="id").mapped(
                lambda alert: (alert.metric_id.code, alert.threshold))

    def test_told_once_a_period_at_80_and_at_100(self):
        subscription = self.subscribe(self.starter, START)
        before = len(self.mails_to(self.customer))
        steps = [(date(2027, 1, 5), 79, 0), (date(2027, 1, 6), 1, 1), (date(2027, 1, 7), 10, 1),
                 (date(2027, 1, 8), 10, 2), (date(2027, 1, 9), 0, 2)]
        for day, units, mails in steps:
            with self.at(day):
                if units:
                    subscription._quota_consume("test_scans", units)
                self.send_alerts()
            self.assertEqual(len(self.mails_to(self.customer)) - before, mails, day)
        self.run_due(END)
        before = len(self.mails_to(self.customer))
        with self.at(date(2027, 2, 5)):
            subscription._quota_consume("test_scans", 85)
            self.send_alerts()
        mail = self.mails_to(self.customer)[before:]
        self.assertIn("80 % of your quota", mail.subject)
        self.assertIn("85 of 100 scans", mail.body_html)
        self.assertEqual(self.alerts(subscription), [
            ("test_scans", 80), ("test_scans", 100), ("test_scans", 80)])

    def test_one_bad_row_stops_no_alert(self):
        """A timezone that the database does not know, and a language that is not installed."""
        customers = [self.make_customer(name) for name in ("Nowhere", "Speechless", "Good")]
        nowhere, speechless, good = subscriptions = [
            self.subscribe(self.starter, START, partner_id=customer.id, user_id=self.user.id)
            for customer in customers]
        with self.at(date(2027, 1, 5)), mute_logger(
                "odoo.addons.concurrency_base.tools.isolation", "odoo.sql_db"):
            for subscription in subscriptions:
                subscription._quota_consume("test_scans", 85)
            before = len(self.mails_to(customers[2]))
            self.env.flush_all()
            self.env.cr.execute("UPDATE subscription_subscription SET tz = 'Mars/Phobos' "
                                "WHERE id = %s", [nowhere.id])
            self.env.cr.execute("UPDATE res_partner SET lang = 'xx_XX' WHERE id = %s",
                                [customers[1].id])
            self.env.invalidate_all()
            for _time in range(2):
                self.send_alerts()
        self.env.cr.execute("UPDATE res_partner SET lang = 'en_US' WHERE id = %s",
                            [customers[1].id])
        self.env.invalidate_all()
        self.assertEqual(self.alerts(good), [("test_scans", 80)])
        self.assertEqual(len(self.mails_to(customers[2])) - before, 1)
        for subscription in (nowhere, speechless):
            told = subscription.activity_ids.filtered(
                lambda activity: "not told of a limit" in activity.summary)
            self.assertEqual((len(told), told.user_id), (1, self.user))

    def test_all_used_at_once_is_one_mail_in_french(self):
        self.customer.lang = "fr_FR"
        subscription = self.subscribe(self.starter, START)
        before = len(self.mails_to(self.customer))
        with self.at(date(2027, 1, 5)):
            subscription._quota_consume("test_scans", 100)
            self.send_alerts()
        mail = self.mails_to(self.customer)[before:]
        self.assertEqual(len(mail), 1)
        self.assertIn("100\N{NO-BREAK SPACE}%", mail.subject)
        self.assertIn("limite", mail.body_html)
        self.assertIn("Bonjour", mail.body_html)
        self.assertNotIn("reached", mail.body_html)
        self.assertEqual(len(self.alerts(subscription)), 2)

    def test_who_bought_more_is_not_told(self):
        """The limit of the moment counts, not that of the last use."""
        subscription = self.subscribe(self.starter, START)
        with self.at(date(2027, 1, 5)):
            subscription._quota_consume("test_scans", 100)
            subscription._quota_grant("test_scans", 100, "test:gift")
            self.send_alerts()
            self.assertFalse(self.alerts(subscription))
            subscription._quota_consume("test_scans", 60)
            self.send_alerts()
            self.assertEqual(self.alerts(subscription), [("test_scans", 80)])

    def test_what_is_held_is_told_once_a_billing_period(self):
        subscription = self.subscribe(self.starter, START)
        with self.at(date(2027, 1, 5)):
            subscription._quota_consume("test_accounts", 3)
            self.send_alerts()
            self.send_alerts()
        self.assertEqual(len(self.alerts(subscription)), 2)
        self.run_due(END)
        with self.at(date(2027, 2, 5)):
            self.send_alerts()
        self.assertEqual(len(self.alerts(subscription)), 4)

    def test_no_alert_while_the_service_is_off(self):
        subscription = self.subscribe(self.starter, START)
        with self.at(date(2027, 1, 5)):
            subscription._quota_consume("test_scans", 100)
            subscription._pause()
            self.send_alerts()
        self.assertFalse(self.alerts(subscription))

    def test_database_keeps_alerts_once(self):
        subscription = self.subscribe(self.starter, START)
        row = {"subscription_id": subscription.id, "metric_id": self.scans.id,
               "date_start": START, "threshold": 80}
        self.env["quota.alert"].create(row)
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), \
                self.env.cr.savepoint():
            self.env["quota.alert"].create(row)

    # Back office ------------------------------------------------------------------------------

    def near(self, user=None):
        action = self.env.ref("subscription_quota.quota_status_upsell_action")
        status = self.env["quota.status"].with_user(user or self.user)
        return status.search(literal_eval(action.domain)).filtered(
            lambda row: row.metric_id in self.scans + self.accounts)

    def test_who_is_near_the_limit(self):
        """« staff see who is near the limit »: with the forecast and the plan that suits."""
        subscription = self.subscribe(self.starter, START)
        other = self.subscribe(self.pro, START)
        with self.at(date(2027, 1, 10)):
            other._quota_consume("test_scans", 500)
            subscription._quota_consume("test_scans", 85)
            row = self.near()
            self.assertEqual((row.subscription_id, row.percent, row.units_left), (
                subscription, 85, 15))
            self.assertEqual(row.forecast_date, date(2027, 1, 12))
            self.assertEqual(row.suggested_price_id, self.pro.price_ids)
            self.assertEqual(subscription.quota_percent, 85)
            context = row.action_prepare_change()["context"]
            wizard = self.env["subscription.change.request"].with_user(self.user).with_context(
                **context).create({})
            self.assertEqual((wizard.subscription_id, wizard.price_id), (
                subscription, self.pro.price_ids))
            wizard.action_confirm()
            self.env.invalidate_all()
            self.assertFalse(self.near())
            self.assertEqual(self.limit_of(subscription), 1000)

    def test_past_periods_are_not_current(self):
        subscription = self.subscribe(self.starter, START)
        with self.at(date(2027, 1, 10)):
            subscription._quota_consume("test_scans", 100)
        self.run_due(END)
        with self.at(date(2027, 2, 3)):
            self.assertFalse(self.near())
            rows = self.env["quota.status"].search([("subscription_id", "=", subscription.id)])
            self.assertEqual(rows.mapped("is_current"), [False])
            self.assertEqual(rows.mapped("used"), [100])

    def test_export_groups_and_letter(self):
        subscription = self.subscribe(self.starter, START)
        with self.at(date(2027, 1, 10)):
            subscription._quota_consume("test_scans", 85)
            rows = self.near(self.env.ref("base.user_admin"))
            data = rows.export_data(
                ["subscription_id", "metric_id", "used", "limit_value", "percent",
                 "forecast_date"])["datas"]
            self.assertEqual(data[0][2:5], [85, 100, 85])
            ((metric, used),) = rows._read_group(
                [("id", "in", rows.ids)], ["metric_id"], ["used:sum"])
            self.assertEqual((metric, used), (self.scans, 85))
            context = rows.action_write()["context"]
            composer = self.env["mail.compose.message"].with_user(self.user).with_context(
                **context).create({})
            self.assertIn("85 of 100 scans", composer.body)
