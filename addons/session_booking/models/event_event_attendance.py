from datetime import timedelta

from odoo import fields, models

ONE_SIGNATURE_HOURS = 5
NOON = "13:00"
# Of the days between, where a course begins at a later hour than that at which it ends.
DAY_BEGINS, DAY_ENDS = "09:00", "18:00"


class EventEvent(models.Model):
    """The part of sessions for the attendance sheet (« feuille d'émargement »).

    A training body proves attendance with signatures per half-day, of the trainees and of the
    trainer.
    """

    _inherit = "event.event"

    def _attendance_half_days(self):
        """Return the columns to sign, in local time: one for a short day, two for a long one.

        :return: list of dicts: ``day`` (date), ``half``, ``label`` and ``hours`` (texts)
        """
        self.ensure_one()
        return [{"day": day, **column} for day, begin, end in self._attendance_days()
                for column in self._attendance_columns(begin, end)]

    def _attendance_days(self):
        """Return the days of the session with their hours, in local time.

        A session of several days has the same hours each day, unless it begins at a later hour
        than that at which it ends: from Monday 14:00 to Wednesday 12:00. One evening that ends
        after midnight is one day.

        :return: list of (date, begin, end), the hours as texts "HH:MM"
        """
        begin, end = self._localize(self.date_begin), self._localize(self.date_end)
        first, last = f"{begin:%H:%M}", f"{end:%H:%M}"
        count = (end.date() - begin.date()).days
        days = [begin.date() + timedelta(days=number) for number in range(count + 1)]
        if first < last or not count:
            return [(day, first, last) for day in days]
        if end - begin < timedelta(days=1):
            return [(days[0], first, last)]
        return [
            (days[0], first, DAY_ENDS if first < DAY_ENDS else "23:59"),
            *((day, DAY_BEGINS, DAY_ENDS) for day in days[1:-1]),
            (days[-1], DAY_BEGINS if last > DAY_BEGINS else "00:00", last)]

    def _attendance_columns(self, begin, end):
        """Return the columns of one day between two local times, as texts "HH:MM"."""
        minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (begin, end)]
        long_day = minutes[1] - minutes[0] > ONE_SIGNATURE_HOURS * 60
        if long_day and begin < NOON < end:
            return [
                {"half": "morning", "label": self.env._("Morning"),
                 "hours": self.env._("from %s", begin)},
                {"half": "afternoon", "label": self.env._("Afternoon"),
                 "hours": self.env._("until %s", end)}]
        if begin < "12:00":
            half, label = "morning", self.env._("Morning")
        elif begin < "18:00":
            half, label = "afternoon", self.env._("Afternoon")
        else:
            half, label = "evening", self.env._("Evening")
        return [{"half": half, "label": label, "hours": f"{begin} – {end}"}]

    def _half_days(self):
        """Return the half-days to sign, as (date, half)."""
        return [(column["day"], column["half"]) for column in self._attendance_half_days()]

    def _half_day_now(self):
        """Return the half-day to sign at this moment, as (date, half); or None on other days."""
        self.ensure_one()
        now = self._localize(fields.Datetime.now())
        today = [half for day, half in self._half_days() if day == now.date()]
        if not today:
            return None
        return now.date(), today[-1] if f"{now:%H:%M}" >= NOON else today[0]

    def _attendance_seats(self):
        """Return the seats for the sheet, by name: who is expected, and who already came."""
        return self._registrations(("open", "done")).sorted(
            lambda seat: ((seat.name or "").casefold(), seat.id))

    def _attendance_marks(self):
        """Return what was noted so far, by (seat's id, day, half)."""
        return {(row.registration_id.id, row.day, row.half): row.state
                for row in self._attendance_seats().attendance_ids}

    def _attendance_hours(self):
        """Return the hours of the session; over several days, those its training states."""
        self.ensure_one()
        days = len({column["day"] for column in self._attendance_half_days()})
        if days > 1:
            return self.event_type_id.training_hours
        return (self.date_end - self.date_begin).total_seconds() / 3600

    def _attendance_sheet_name(self):
        return self.env._(
            "Attendance sheet - %(session)s - %(date)s",
            session=self.name, date=f"{self._local_date():%Y-%m-%d}")
