"""Civil periods: the day a period starts where the customer lives. No database, no clock."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

UNITS = ("week", "month", "year")
UTC = ZoneInfo("UTC")


def period_start(anchor, unit, count, number):
    """Return the first day of period `number` (0 for the first) of `count` units from `anchor`.

    :raise ValueError: an interval that is not one week, month or year at least
    """
    if unit not in UNITS or count < 1:
        raise ValueError(f"no such interval: {count} {unit}")
    steps = number * count
    if unit == "week":
        return anchor + timedelta(weeks=steps)
    # Months are counted from the anchor: relativedelta keeps its day, or the month's last.
    return anchor + (relativedelta(months=steps) if unit == "month" else relativedelta(
        years=steps))


def _number_near(anchor, unit, count, day):
    """Estimate the period that holds `day`: that one, or at most two later."""
    if unit == "week":
        return (day - anchor).days // (7 * count) + 1
    months = (day.year - anchor.year) * 12 + day.month - anchor.month
    return months // (count * (12 if unit == "year" else 1)) + 1


def period_of(anchor, unit, count, day):
    """Find the period that holds a civil day.

    :return: (start, end), end not included
    :raise ValueError: the day is before the anchor, or the interval is none
    """
    if day < anchor:
        raise ValueError(f"{day} is before the first period, which starts on {anchor}")
    period_start(anchor, unit, count, 0)  # refuses an interval of zero
    number = _number_near(anchor, unit, count, day)
    while period_start(anchor, unit, count, number) > day:
        number -= 1
    return (period_start(anchor, unit, count, number),
            period_start(anchor, unit, count, number + 1))


def count_periods(anchor, unit, count, day):
    """Count the periods that have started by a civil day: the invoices a past anchor makes."""
    if day < anchor:
        return 0
    number = _number_near(anchor, unit, count, day)
    while period_start(anchor, unit, count, number) > day:
        number -= 1
    return number + 1


def local_day(moment, tz):
    """Return the civil day of a naive UTC datetime in a timezone."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(tz)).date()


def utc_midnight(day, tz):
    """Return the naive UTC datetime at which a civil day begins in a timezone."""
    begins = datetime.combine(day, time.min, ZoneInfo(tz))
    return begins.astimezone(UTC).replace(tzinfo=None)
