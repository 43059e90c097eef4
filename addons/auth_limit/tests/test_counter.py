from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from odoo.exceptions import ValidationError
from odoo.tests import TransactionCase, tagged

from .common import AuthLimitCase


@tagged("post_install", "-at_install")
class TestCounter(AuthLimitCase):

    def _spend_at_once(self, times, address="x@limits.example", ip="192.0.2.1"):
        counter = self.env["auth.limit.counter"]
        doors = counter._doors("reset", address, ip)
        barrier = Barrier(times)

        def spend(_number):
            with counter._own_cursor() as cr:
                barrier.wait()
                return counter._spend_one(cr, doors["address"], 5, 60)

        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(spend, range(times)))

    def test_attempts_at_the_same_moment_do_not_pass_the_bound(self):
        waits = self._spend_at_once(16)
        self.assertEqual(waits.count(0), 5, waits)
        self.assertEqual(set(waits), {0, 60})

    def test_count_then_write_negative_control(self):
        """What the one statement is for: all read the same count, then all write."""
        together = Barrier(16)

        def spend_one(counter, cr, key, bound, minutes):
            cr.execute("SELECT coalesce(sum(count), 0) FROM auth_limit_counter WHERE key = %s",
                       [key])
            (count,) = cr.fetchone()
            together.wait()
            if count >= bound:
                return minutes
            cr.execute("INSERT INTO auth_limit_counter (key, count, since) VALUES (%s, 1, now())"
                       " ON CONFLICT (key) DO UPDATE SET count = auth_limit_counter.count + 1",
                       [key])
            return 0

        self.patch(self.registry["auth.limit.counter"], "_spend_one", spend_one)
        self.assertEqual(self._spend_at_once(16).count(0), 16)

    def test_a_window_ends_for_all(self):
        self._spend_at_once(6)
        self._pass_minutes(59)
        self.assertEqual(self._spend_at_once(1), [1])
        self._pass_minutes(1)
        self.assertEqual(self._spend_at_once(1), [0])

    def test_what_is_counted_outlives_a_request_that_fails(self):
        counter = self.env["auth.limit.counter"]
        self._set(mail_address=1)
        doors = counter._doors("signup", "y@limits.example", "192.0.2.1")
        with self.env.cr.savepoint(flush=False) as savepoint:
            self.assertEqual(counter._spend("mail", doors), 0)
            savepoint.rollback()
        self.assertEqual(counter._spend("mail", doors), 60)

    def test_a_network_is_bound_over_all_addresses(self):
        counter = self.env["auth.limit.counter"]
        self._set(mail_ip=2)
        waits = [counter._spend("mail", counter._doors("reset", f"{number}@x.example", ip))
                 for number, ip in enumerate(["192.0.2.1"] * 3 + ["192.0.2.2"])]
        self.assertEqual(waits, [0, 0, 60, 0])

    def test_a_household_is_one_network(self):
        counter = self.env["auth.limit.counter"]
        keys = [counter._doors("reset", "x", ip)["ip"] for ip in (
            "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1", "::ffff:192.0.2.1",
            "192.0.2.1", "no address")]
        self.assertEqual(keys[0], keys[1])
        self.assertNotEqual(keys[0], keys[2])
        self.assertEqual(keys[3], keys[4])
        self.assertEqual(len(set(keys)), 4)

    def test_capitals_are_no_other_address(self):
        counter = self.env["auth.limit.counter"]
        self.assertEqual(counter._doors("reset", " Bob@X.example", "::1"),
                         counter._doors("reset", "bob@x.EXAMPLE", "::1"))

    def test_the_rows_name_nobody(self):
        counter = self.env["auth.limit.counter"]
        counter._spend("mail", counter._doors("reset", "named@limits.example", "192.0.2.77"))
        with self._own_cursor() as cr:
            cr.execute("SELECT count(*), string_agg(one::text, ' ') FROM auth_limit_counter one")
            count, rows = cr.fetchone()
        self.assertEqual(count, 2)
        self.assertNotIn("named", rows)
        self.assertNotIn("192.0.2.77", rows)

    def test_old_rows_are_swept(self):
        counter = self.env["auth.limit.counter"]
        counter.create([{"key": "old", "count": 1, "since": "2020-01-01"},
                        {"key": "new", "count": 1, "since": "2999-01-01"}])
        counter.flush_model()
        counter._gc_counters()
        self.assertEqual(counter.search([("key", "in", ["old", "new"])]).mapped("key"), ["new"])


class TestSettings(TransactionCase):

    def test_settings_are_kept_and_bounded(self):
        settings = self.env["res.config.settings"]
        settings.create({"auth_limit_login_address": 7}).execute()
        counter = self.env["auth.limit.counter"]
        self.assertEqual(counter._bound("login_address"), 7)
        self.assertEqual(counter._bound("mail_ip"), 60)
        for number in (0, -1, 10**6):
            with self.assertRaises(ValidationError):
                settings.create({"auth_limit_login_address": number})

    def test_nonsense_in_the_parameters_is_the_default(self):
        for text in ("", "no", "-3", "0", "1e9", "99999999999", "²"):
            self.env["ir.config_parameter"].set_param("auth_limit.mail_address", text)
            self.assertEqual(self.env["auth.limit.counter"]._bound("mail_address"), 3, text)
