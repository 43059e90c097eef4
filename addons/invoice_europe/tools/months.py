"""Civil months, and amounts spread over them by the day."""

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from dateutil.relativedelta import relativedelta


def first_day(day):
    """Return the first day of the month of a day."""
    return day.replace(day=1)


def last_day(day):
    """Return the last day of the month of a day."""
    return first_day(day) + relativedelta(months=1) - timedelta(days=1)


def civil_months(start, end):
    """List the first days of the civil months from `start` to `end`, both included."""
    result = [first_day(start)]
    while (following := result[-1] + relativedelta(months=1)) <= end:
        result.append(following)
    return result


def common_days(*spans):
    """Count the days that spans have in common.

    :param spans: tuples of first and last day, both included
    """
    start, end = max(span[0] for span in spans), min(span[1] for span in spans)
    return max((end - start).days + 1, 0)


def spread(amount, start, end, rounding):
    """Share an amount among the civil months of a time, in proportion to its days in each.

    Shares are taken of the running total, so that they add up to the amount exactly: the last
    month takes what is left.

    :param float amount: whole, of either sign
    :param date start: first day
    :param date end: last day, included
    :param float rounding: the smallest unit of the currency
    :return: list of (first day of the month, float)
    """
    unit = Decimal(str(rounding))
    whole, days = Decimal(str(amount)), common_days((start, end))
    result, before = [], Decimal(0)
    for month in civil_months(start, end):
        passed = common_days((start, end), (start, last_day(month)))
        after = (whole * passed / days / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit
        result.append((month, float(after - before)))
        before = after
    return result
