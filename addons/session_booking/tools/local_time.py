"""Conversion of local dates and times to the UTC moments they name."""

from datetime import datetime, timedelta

import pytz


class NonExistentTime(ValueError):
    """A local time that the clock jumps over; `local` is the date and time asked for."""

    def __init__(self, local):
        super().__init__(str(local))
        self.local = local


def local_to_utc(day, time, timezone):
    """Return the naive UTC moment of a local time; the first, if it comes twice in autumn.

    :param date day: local civil day
    :param time time: local time of the day
    :param str timezone: name of the IANA database
    :raise NonExistentTime: the clock goes forward over it (29 March 2026, 02:30 in Paris)
    """
    local = datetime.combine(day, time)
    zone = pytz.timezone(timezone)
    try:
        moment = zone.localize(local, is_dst=None)
    except pytz.NonExistentTimeError as error:
        raise NonExistentTime(local) from error
    except pytz.AmbiguousTimeError:
        moment = zone.localize(local, is_dst=True)
    return moment.astimezone(pytz.utc).replace(tzinfo=None)


def every_weeks(first, weeks, count=None, until=None):
    """Return civil days from the first on, at intervals of this many weeks.

    :param int weeks: from one day to the next
    :param int count: how many days, or
    :param date until: the last day they may fall on
    """
    days, day = [], first
    while (count is None or len(days) < count) and (until is None or day <= until):
        days.append(day)
        day += timedelta(weeks=weeks)
    return days
