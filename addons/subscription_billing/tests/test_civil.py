"""Civil periods and prices of days, without a database."""

from datetime import date, datetime
from decimal import Decimal

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.subscription_billing.tools import civil, proration


def starts(anchor, unit, count, number):
    return [civil.period_start(anchor, unit, count, each) for each in range(number)]


@tagged("post_install", "-at_install")
class TestCivil(BaseCase):

    def test_monthly_from_31_january(self):
        """31 Jan monthly → 28 Feb, 31 Mar, 30 Apr."""
        self.assertEqual(
            starts(date(2027, 1, 31), "month", 1, 5),
            [date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30),
             date(2027, 5, 31)])

    def test_yearly_from_29_february(self):
        """29 Feb 2024 yearly → 28 Feb 2025 … 29 Feb 2028."""
        self.assertEqual(
            starts(date(2024, 2, 29), "year", 1, 5),
            [date(2024, 2, 29), date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28),
             date(2028, 2, 29)])

    def test_intervals_of_several_units(self):
        self.assertEqual(
            starts(date(2026, 11, 30), "month", 3, 3),
            [date(2026, 11, 30), date(2027, 2, 28), date(2027, 5, 30)])
        self.assertEqual(
            starts(date(2027, 5, 23), "week", 2, 3),
            [date(2027, 5, 23), date(2027, 6, 6), date(2027, 6, 20)])

    def test_period_of_a_day(self):
        for day, expected in [
                (date(2027, 1, 31), (date(2027, 1, 31), date(2027, 2, 28))),
                (date(2027, 2, 27), (date(2027, 1, 31), date(2027, 2, 28))),
                (date(2027, 2, 28), (date(2027, 2, 28), date(2027, 3, 31))),
                (date(2027, 3, 30), (date(2027, 2, 28), date(2027, 3, 31))),
                (date(2027, 3, 31), (date(2027, 3, 31), date(2027, 4, 30)))]:
            self.assertEqual(civil.period_of(date(2027, 1, 31), "month", 1, day), expected, day)

    def test_no_interval_of_zero(self):
        for unit, count in [("month", 0), ("month", -1), ("day", 1)]:
            with self.assertRaises(ValueError):
                civil.period_of(date(2027, 1, 1), unit, count, date(2027, 1, 1))

    def test_days_are_counted_where_the_customer_lives(self):
        """Europe/Paris: 30 May at 20:00 UTC is still 30 May, at 23:00 UTC it is 31 May."""
        self.assertEqual(
            civil.local_day(datetime(2027, 5, 30, 20), "Europe/Paris"), date(2027, 5, 30))
        self.assertEqual(
            civil.local_day(datetime(2027, 5, 30, 23), "Europe/Paris"), date(2027, 5, 31))
        self.assertEqual(
            civil.utc_midnight(date(2027, 5, 30), "Europe/Paris"), datetime(2027, 5, 29, 22))
        self.assertEqual(
            civil.utc_midnight(date(2027, 1, 1), "America/Los_Angeles"), datetime(2027, 1, 1, 8))

    @seed(19)
    @settings(max_examples=400, deadline=None, database=None)
    @given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.sampled_from(civil.UNITS),
           st.integers(1, 13), st.integers(0, 4000))
    def test_periods_tile_time(self, anchor, unit, count, later):
        """Every day is in one period, whose end starts the next one."""
        day = date.fromordinal(anchor.toordinal() + later)
        start, end = civil.period_of(anchor, unit, count, day)
        self.assertLessEqual(start, day)
        self.assertLess(day, end)
        self.assertEqual(civil.period_of(anchor, unit, count, end)[0], end)
        number = civil.count_periods(anchor, unit, count, day)
        self.assertEqual(civil.period_start(anchor, unit, count, number - 1), start)
        self.assertEqual(civil.period_start(anchor, unit, count, number), end)


@tagged("post_install", "-at_install")
class TestProration(BaseCase):

    def price(self, amount, days, first, last, unit=0.01):
        start = date(2027, 6, 1)

        def day(number):
            return date.fromordinal(start.toordinal() + number)
        return proration.price_of(amount, start, day(days), day(first), day(last), unit)

    def test_upgrade_on_15_january(self):
        """€100→€200 upgrade on 15 January of a calendar month: 17/31 of each."""
        period = (date(2027, 1, 1), date(2027, 2, 1))
        rest = (date(2027, 1, 15), date(2027, 2, 1))
        self.assertEqual(proration.price_of(100, *period, *rest, 0.01), Decimal("54.84"))
        self.assertEqual(proration.price_of(200, *period, *rest, 0.01), Decimal("109.68"))

    def test_ten_euros_in_three_pieces(self):
        """€10 over 30 days in three 10-day pieces totals 10.00."""
        pieces = [self.price(10, 30, first, first + 10) for first in (0, 10, 20)]
        self.assertEqual(sum(pieces), Decimal("10.00"))
        self.assertEqual(sorted(pieces), [Decimal("3.33"), Decimal("3.33"), Decimal("3.34")])

    def test_yen_and_dinar(self):
        """JPY has no decimals, KWD three."""
        yen = [self.price(1000, 30, first, first + 10, 1) for first in (0, 10, 20)]
        self.assertEqual(yen, [333, 334, 333])
        dinar = [self.price(1, 30, first, first + 10, 0.001) for first in (0, 10, 20)]
        self.assertEqual(dinar, [Decimal("0.333"), Decimal("0.334"), Decimal("0.333")])

    def test_half_cents_go_up(self):
        self.assertEqual(self.price(9.99, 2, 0, 1), Decimal("5.00"))
        self.assertEqual(self.price(9.99, 2, 1, 2), Decimal("4.99"))

    @seed(19)
    @settings(max_examples=500, deadline=None, database=None)
    @given(st.integers(0, 10**7), st.integers(1, 366), st.lists(st.integers(0, 366), max_size=8),
           st.sampled_from(["1", "0.01", "0.001"]))
    def test_pieces_add_up(self, cents, days, cuts, unit):
        """Whatever the cuts: Σ pieces = the whole, each less than a step from its worth."""
        unit = Decimal(unit)
        amount = cents * unit
        bounds = sorted({0, days, *(cut for cut in cuts if cut < days)})
        pieces = [self.price(amount, days, first, last, unit)
                  for first, last in zip(bounds, bounds[1:], strict=False)]
        self.assertEqual(sum(pieces), amount)
        for piece, first, last in zip(pieces, bounds, bounds[1:], strict=False):
            self.assertGreaterEqual(piece, 0)
            self.assertLessEqual(abs(piece - amount * (last - first) / days), unit)
