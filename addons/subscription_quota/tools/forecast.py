"""Forecast of the day a quota runs out. No database, no clock."""

from datetime import timedelta

FEWEST_DAYS = 2  # on the first day of a period, a morning would be taken for a month


def runs_out_on(start, end, today, used, limit):
    """Forecast the civil day on which the limit is reached at the average pace of the period so
    far.

    The pace is ``used`` over the days begun, today included: whole numbers throughout, so the same
    figures give the same day everywhere.

    :param date start: first day of the period
    :param date end: first day of the next one, on which the count starts anew
    :param date today: where the customer lives
    :param int used: units, so far
    :param int limit: units of the whole period; None: unlimited
    :return: the day, or None where a forecast makes no sense: nothing used, nothing left, too
        early in the period, or it lasts until the count starts anew
    """
    if not start or not end or not limit or used <= 0 or used >= limit:
        return None
    elapsed = (today - start).days + 1
    if elapsed < FEWEST_DAYS or today >= end:
        return None
    days = -(-limit * elapsed // used)  # rounded up: the day it is reached
    day = start + timedelta(days=min(days, (end - start).days + 1) - 1)
    return day if day < end else None
