from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.concurrency_base.tools import as_engine, lock_in_order

from ..exceptions import SessionUnavailable

LIVE = ("open", "done")
NAMES_SHOWN = 10
# What attendees book under; a session has them of its training, unless they were typed.
TERMS = {"cancel_hours", "no_show_policy", "event_type_id"}


class EventEvent(models.Model):
    """The part of sessions for moving, shrinking or cancelling them when seats are taken."""

    _inherit = "event.event"

    rescheduled_on = fields.Datetime(
        readonly=True, engine=True, copy=False,
        help="When the session was last moved with seats taken. Customers who booked before "
        "may cancel free of charge until it starts.")

    # Guards -------------------------------------------------------------------------------

    @api.constrains("seats_max", "seats_limited", "is_training")
    def _check_capacity_holds_seats(self):
        """Refuse a capacity below the seats taken, and name the attendees.

        The database refuses it too, without a message for people.

        :raise ValidationError: more seats are taken
        """
        for event in self.filtered("is_training"):
            taken = event.seats_booked + event.seats_held
            if event.seats_limited and taken > event.seats_max:
                raise ValidationError(self.env._(
                    "“%(session)s” of %(date)s has %(taken)s seats taken (%(names)s): its "
                    "capacity cannot be %(capacity)s. Cancel seats first, or keep at least "
                    "%(taken)s.", session=event.name, date=event._local_begin(),
                    taken=taken, capacity=event.seats_max,
                    names=event._attendee_names()))

    @api.constrains("is_training")
    def _check_seats_are_paid(self):
        """Refuse to book with credits what already has seats that no credits paid.

        :raise ValidationError: naming the attendees
        """
        for event in self.filtered("is_training"):
            # sudo: whether they are paid
            unpaid = event.sudo()._registrations(("draft", *LIVE)).filtered(
                lambda seat: not seat.credit_entry_id and not seat.paid_outside)
            if unpaid:
                raise ValidationError(self.env._(
                    "“%(session)s” of %(date)s has registrations that no credits paid "
                    "(%(names)s): it cannot become a session of “%(training)s”. Plan a new "
                    "session, or cancel these registrations first.",
                    session=event.name, date=event._local_begin(),
                    names=", ".join(seat.name or seat.display_name for seat in unpaid),
                    training=event.event_type_id.name))

    @api.constrains("company_id")
    def _check_seats_are_of_the_company(self):
        """Refuse to give another company a session that credits of the former one paid."""
        # sudo: reads the ledger to check, shows nothing
        self.sudo()._registrations()._check_credits_agree()

    @api.constrains("event_url")
    def _check_event_url(self):
        """Refuse a link that is not http(s), since attendees click it.

        Odoo's own check lets ``javascript://`` through.

        :raise ValidationError: the link does not start with https:// or http://
        """
        for event in self.filtered("event_url"):
            if not event.event_url.lower().startswith(("https://", "http://")):
                raise ValidationError(self.env._(
                    "“%(url)s” is not a web address: the link of an online session starts with "
                    "https://.", url=event.event_url))
        return super()._check_event_url()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_booked(self):
        for event in self.filtered("is_training"):
            seats = event._registrations()
            if any(seat.state in LIVE for seat in seats):
                raise UserError(self.env._(
                    "“%(session)s” of %(date)s has bookings (%(names)s) and cannot be deleted. "
                    "Cancel the session instead: everyone is told and gets the credits back.",
                    session=event.name, date=event._local_begin(),
                    names=event._attendee_names()))
            if seats:
                raise UserError(self.env._(
                    "“%(session)s” of %(date)s had bookings, which the books refer to, and "
                    "cannot be deleted. Archive it instead.",
                    session=event.name, date=event._local_begin()))

    def _registrations(self, states=None):
        """Return the registrations of these sessions, archived ones too unless states are given."""
        registrations = self.env["event.registration"].with_context(active_test=bool(states))
        domain = [("event_id", "in", self.ids)]
        return registrations.search(domain + ([("state", "in", states)] if states else []))

    def _attendee_names(self):
        """Return the names of those who have seats; only the first ones when they are many."""
        names = [seat.name or seat.display_name for seat in self._registrations(LIVE)[::-1]]
        if len(names) > NAMES_SHOWN:
            return self.env._(
                "%(names)s and %(count)s more", names=", ".join(names[:NAMES_SHOWN]),
                count=len(names) - NAMES_SHOWN)
        return ", ".join(names)

    # Overlaps -----------------------------------------------------------------------------

    def _overlapping(self, attendee):
        """Return the attendee's seats in other sessions at the same time, for a warning.

        :param attendee: the ``res.partner`` who comes
        :return: ``event.registration``
        """
        return self._overlapping_all(attendee).get(
            attendee, self.env["event.registration"].browse())

    def _overlapping_all(self, attendees, begin=None, end=None):
        """Return what :meth:`_overlapping` does for many attendees, in one query.

        :param datetime begin: UTC, with ``end``: instead of the session's own dates
        :return: dict of ``res.partner`` to ``event.registration``, without those who have none
        """
        self.ensure_one()
        if not attendees:
            return {}
        groups = self.env["event.registration"]._read_group([
            ("partner_id", "in", attendees.ids), ("state", "in", LIVE),
            ("event_id", "not in", self._origin.ids), ("event_id.is_training", "=", True),
            ("event_id.date_begin", "<", end or self.date_end),
            ("event_id.date_end", ">", begin or self.date_begin),
        ], ["partner_id"], ["id:recordset"])
        return dict(groups)

    def _overlap_warning(self, attendees, begin=None, end=None):
        """Return one line for each seat an attendee has elsewhere then, or an empty text."""
        overlapping = self._overlapping_all(attendees, begin, end)
        return "\n".join(
            self.env._(
                "%(name)s already has a seat in “%(session)s”, %(date)s.",
                name=attendee.name, session=seat.event_id.name,
                date=seat.event_id._local_begin())
            for attendee, seats in overlapping.items() for seat in seats)

    # Moving -------------------------------------------------------------------------------

    def write(self, vals):
        """Tell the attendees of every change of the date, wherever it was made."""
        if vals.get("kanban_state") == "cancel" and not self.env.context.get("cancels_seats"):
            self._check_cancelled_with_its_seats()
        self._check_keeps_its_seats(vals)
        agreed = self._agreed_terms() if TERMS & vals.keys() else {}
        if not {"date_begin", "date_end", "date_tz"} & set(vals):
            result = super().write(vals)
            self._check_keeps_its_terms(agreed)
            return result
        before = {event: event._dates() for event in self if event.is_training}
        booked = self.filtered("seats_booked")
        result = super().write(vals)
        self._check_keeps_its_terms(agreed)
        changed = self.filtered(lambda event: before.get(event, event._dates()) != event._dates())
        changed._check_not_put_into_the_past(before)
        changed._check_attendance_keeps_its_days()
        changed._forget_decision()
        for event in changed & booked:
            if event._dates()[:2] != before[event][:2] and not event._is_past():
                event._announce_move(before[event][0])
        return result

    def _dates(self):
        """Return what a move changes: begin and end (UTC), and the timezone."""
        return self.date_begin, self.date_end, self.date_tz

    def _check_not_put_into_the_past(self, before):
        """Refuse a past date for a coming session with seats: nobody could cancel any more.

        :param dict before: former dates by session, see :meth:`_dates`
        :raise UserError: naming the attendees
        """
        if self.env.su:
            return
        now = fields.Datetime.now()
        for event in self:
            if before[event][0] > now >= event.date_begin and event._registrations(LIVE):
                raise UserError(self.env._(
                    "“%(session)s” has bookings (%(names)s) and cannot be put into the past. "
                    "Choose a coming date, or use the button “Cancel the session”: everyone is "
                    "told and gets the credits back.",
                    session=event.name, names=event._attendee_names()))

    def _move_session(self, date_begin, date_end, note=""):
        """Give the session other dates; everyone is told once, reminders and links follow.

        :param datetime date_begin: UTC
        :param datetime date_end: UTC
        :param str note: a message to the attendees
        :raise SessionUnavailable: cancelled, or the new date is past
        """
        self.ensure_one()
        if (self.date_begin, self.date_end) == (date_begin, date_end):
            return
        if self.kanban_state == "cancel":
            raise SessionUnavailable(self.env._(
                "“%(session)s” is cancelled and cannot be moved. Plan a new session.",
                session=self.name))
        if date_begin <= fields.Datetime.now():
            raise SessionUnavailable(self.env._(
                "“%(session)s” cannot be moved to the past. Choose a coming date.",
                session=self.name))
        self.with_context(session_note=note).write(
            {"date_begin": date_begin, "date_end": date_end})

    def _announce_move(self, moved_from):
        """Tell attendees and trainer of the new date, renew reminders, and let attendees cancel.

        :param datetime moved_from: the former beginning, UTC
        """
        self.ensure_one()
        as_engine(self).rescheduled_on = fields.Datetime.now()
        seats = self.with_context(moved_from=moved_from)._registrations(["open"])
        self.env["session.reminder"]._forget(seats)
        seats._send_booking_mail("session_booking.mail_template_session_moved")
        to_trainer = self.with_context(lang=self.trainer_id.lang)
        to_trainer._tell_trainer(to_trainer.env._(
            "The session moves: it was planned on %(former)s and now takes place on %(date)s.",
            former=to_trainer._format_moment(moved_from), date=to_trainer._local_begin()))

    def _tell_trainer(self, text):
        """Log the text on the session, and mail it to the trainer."""
        self.ensure_one()
        self.message_post(
            body="\n".join(filter(None, [text, self.env.context.get("session_note")])),
            subject=self.name, partner_ids=self.trainer_id.ids,
            message_type="notification", subtype_xmlid="mail.mt_note")

    # Cancelling ---------------------------------------------------------------------------

    def _check_cancelled_with_its_seats(self):
        for event in self.filtered("is_training"):
            if event.kanban_state != "cancel" and event._registrations(LIVE):
                raise UserError(self.env._(
                    "“%(session)s” of %(date)s has bookings (%(names)s). Use the button “Cancel "
                    "the session”: everyone is told and gets the credits back.",
                    session=event.name, date=event._local_begin(),
                    names=event._attendee_names()))

    def _check_keeps_its_seats(self, vals):
        """Refuse changes that would take a coming session away from the attendees who have seats.

        :raise UserError: `vals` archive it, take it off the website, or make it no training
        """
        if vals.get("active") is False:
            self._refuse_with_seats(lambda event: self.env._(
                "“%(session)s” of %(date)s has bookings (%(names)s) and cannot be archived. Use "
                "the button “Cancel the session”: everyone is told and gets the credits back.",
                **event._described_with_seats()))
        if vals.get("is_published") is False:
            self.filtered("is_published")._refuse_with_seats(lambda event: self.env._(
                "“%(session)s” of %(date)s has bookings (%(names)s) and stays on the website for "
                "them. To stop its sale, limit its capacity to the seats taken; if it does not "
                "take place, use the button “Cancel the session”.",
                **event._described_with_seats()))
        if "event_type_id" in vals and not self.env["event.type"].browse(
                vals["event_type_id"] or []).is_training:
            self._refuse_with_seats(lambda event: self.env._(
                "“%(session)s” of %(date)s has bookings (%(names)s) paid with credits: its "
                "training cannot be removed. Choose another training, or cancel the session.",
                **event._described_with_seats()), over=True)

    def _agreed_terms(self):
        """Return what attendees of these sessions booked under, to be compared afterwards."""
        return {event: (event.cancel_hours, event.no_show_policy) for event in self}

    def _check_keeps_its_terms(self, agreed):
        """Refuse terms that are worse for attendees than those they booked under.

        :param dict agreed: see :meth:`_agreed_terms`; another training brings its own terms
        :raise UserError: an earlier deadline, or credits no longer returned for an absence
        """
        self.filtered(lambda event: event in agreed and event.cancel_hours > agreed[event][0])\
            ._refuse_with_seats(lambda event: self.env._(
                "“%(session)s” of %(date)s has bookings (%(names)s), made with free cancellation "
                "until %(hours)s hours before: that deadline cannot be earlier.",
                hours=agreed[event][0], **event._described_with_seats()))
        self.filtered(lambda event: event in agreed and event.no_show_policy == "keep"
                      and agreed[event][1] == "return")._refuse_with_seats(
            lambda event: self.env._(
                "“%(session)s” of %(date)s has bookings (%(names)s), made on the terms that "
                "credits go back for an absence: that cannot be taken away.",
                **event._described_with_seats()), over=True)

    def _refuse_with_seats(self, message, over=False):
        """Refuse when one of these sessions has seats taken and is not over.

        :param message: function of the session that returns the text
        :param bool over: refuse sessions that are over, too
        :raise UserError: for the first such session
        """
        now = fields.Datetime.now()
        for event in self.filtered(
                lambda event: event.is_training and (over or event.date_end > now)):
            if event._registrations(LIVE):
                raise UserError(message(event))

    def _described_with_seats(self):
        """Return the session's name and the attendees who have seats in it, for messages."""
        return {"session": self.name, "date": self._local_begin(),
                "names": self._attendee_names()}

    def _cancel_session(self, note=""):
        """Cancel every seat, return the credits, reverse the invoices and tell everyone; once.

        The wallets are locked before the session, as everywhere.

        :param str note: the reason, for those who had a seat
        :raise UserError: someone attended: the session took place
        """
        self.ensure_one()
        if self.kanban_state == "cancel":
            return
        if attended := self._registrations(["done"]):
            raise UserError(self.env._(
                "“%(session)s” of %(date)s took place: %(names)s attended. Cancel seats one by "
                "one instead.", session=self.name, date=self._local_begin(),
                names=", ".join(attended.mapped("display_name"))))
        told = self._registrations(["open"])
        seats = told | self._registrations(["draft"])
        # sudo: which wallets paid; nothing of them is shown
        lock_in_order(seats.sudo().credit_entry_id.wallet_id, self)
        # First the session: the seats freed next are for nobody else.
        self.with_context(cancels_seats=True).kanban_state = "cancel"
        self._close_decision()
        seats.action_cancel()
        told.with_context(session_note=note)._send_booking_mail(
            "session_booking.mail_template_session_cancelled")
        to_trainer = self.with_context(lang=self.trainer_id.lang, session_note=note)
        to_trainer._tell_trainer(to_trainer.env._(
            "The session of %(date)s is cancelled; attendees told: %(count)s.",
            date=to_trainer._local_begin(), count=len(told)))

    def action_cancel_session(self):
        """Open the wizard that cancels the session."""
        return self._open_wizard("session_booking.session_cancel_action")

    def action_move_session(self):
        """Open the wizard that moves the session."""
        return self._open_wizard("session_booking.session_move_action")

    def action_book_group(self):
        """Open the wizard that books seats for many attendees."""
        return self._open_wizard("session_booking.session_group_booking_action")

    def _open_wizard(self, xmlid):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(xmlid)
        return {**action, "context": {"default_event_id": self.id}}
