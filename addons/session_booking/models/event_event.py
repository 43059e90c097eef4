import contextlib

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from odoo.addons.concurrency_base.tools import lock_in_order

from ..exceptions import SessionFull, SessionUnavailable
from ..tools import NonExistentTime, local_to_utc

# The counters, which SQL writes, and the fields computed from them.
COUNTED_SEATS = ["seats_booked", "seats_held", "seats_left", "has_seats_left", "to_decide"]


class EventEvent(models.Model):
    """A session of a training: its seats, its price in credits, and its booking.

    Its other parts have files of their own: moving and cancelling a session
    (``event_event_changes``), its waiting list (``event_event_waiting``), the sheet to sign
    (``event_event_attendance``), who came (``event_event_closing``), and whether it takes place
    with few attendees (``event_event_decision``).
    """

    _inherit = "event.event"

    is_training = fields.Boolean(
        compute="_compute_is_training", store=True, engine=True, precompute=True,
        string="Training session")
    credit_price = fields.Integer(
        compute="_compute_training_terms", store=True, readonly=False, precompute=True,
        string="Price (credits)")
    cancel_hours = fields.Integer(
        compute="_compute_training_terms", store=True, readonly=False, precompute=True,
        string="Free cancellation (hours)")
    trainer_id = fields.Many2one(
        "res.partner", compute="_compute_training_terms", store=True, readonly=False,
        precompute=True)
    # Odoo only counts registrations, and oversells under concurrency; this counter does not.
    seats_booked = fields.Integer(
        default=0, required=True, readonly=True, engine=True, copy=False, string="Seats taken",
        help="Registered and attended seats, kept exact by the database.")
    seats_held = fields.Integer(
        default=0, required=True, readonly=True, engine=True, copy=False, string="Seats held",
        help="Seats offered to the waiting list and not yet accepted: nobody else can take them.")
    seats_left = fields.Integer(
        compute="_compute_seats_left",
        help="Free seats; only meaningful when seats are limited.")
    seats_left_label = fields.Char(compute="_compute_seats_left_label", string="Seats left")
    series_key = fields.Char(readonly=True, engine=True, copy=False)
    has_seats_left = fields.Boolean(
        compute="_compute_seats_left", search="_search_has_seats_left")

    _training_has_price = models.Constraint(
        "CHECK(NOT COALESCE(is_training, FALSE) OR credit_price > 0)",
        "A session of a training is booked with credits: give it a price of at least 1 credit.")
    _seats_within_capacity = models.Constraint(
        "CHECK(seats_booked >= 0 AND seats_held >= 0 AND (NOT COALESCE(is_training, FALSE) "
        "OR NOT COALESCE(seats_limited, FALSE) OR seats_booked + seats_held <= seats_max))",
        "The session is full: more seats are taken, or held for its waiting list, than its "
        "capacity allows.")
    _series_key_unique = models.UniqueIndex(
        "(series_key) WHERE series_key IS NOT NULL", "This session of the series is planned.")
    _training_is_one_session = models.Constraint(
        "CHECK(NOT COALESCE(is_training, FALSE) OR NOT COALESCE(is_multi_slots, FALSE))",
        "A training has one event per session: create several sessions instead of slots.")

    # As domains say it: PostgreSQL 15 does not see that "IS TRUE" implies a bare "is_training".
    _calendar = models.Index("(date_begin, id) WHERE is_training IS TRUE")

    @api.depends("event_type_id")
    def _compute_is_training(self):
        for event in self:
            event.is_training = event.event_type_id.is_training

    @api.depends("event_type_id")
    def _compute_training_terms(self):
        for event in self:
            event.credit_price = event.event_type_id.credit_price
            event.cancel_hours = event.event_type_id.cancel_hours
            event.trainer_id = event.event_type_id.trainer_id

    @api.depends("seats_booked", "seats_held", "seats_max", "seats_limited")
    def _compute_seats_left(self):
        for event in self:
            taken = event.seats_booked + event.seats_held
            event.seats_left = event.seats_max - taken if event.seats_limited else 0
            event.has_seats_left = not event.seats_limited or event.seats_left > 0

    def _search_has_seats_left(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.custom(to_sql=lambda model, alias, query: SQL(
            "((NOT COALESCE(%(limited)s, FALSE) OR %(booked)s + %(held)s < %(max)s)"
            " = ANY(%(value)s))",
            value=list(value), **{
                name: SQL.identifier(alias, column) for name, column in (
                    ("limited", "seats_limited"), ("booked", "seats_booked"),
                    ("held", "seats_held"), ("max", "seats_max"))}))

    @api.depends("seats_left")
    @api.depends_context("lang")
    def _compute_seats_left_label(self):
        for event in self:
            if event.seats_limited:
                event.seats_left_label = self.env._(
                    "%(left)s of %(all)s", left=event.seats_left, all=event.seats_max)
            else:
                event.seats_left_label = self.env._("No limit")

    @api.depends("name", "date_begin", "date_tz", "is_training")
    @api.depends_context("lang")
    def _compute_display_name(self):
        """Name sessions of a training with their date: their names alone are all the same."""
        result = super()._compute_display_name()
        for event in self.filtered(lambda event: event.is_training and event.date_begin):
            shown, name = event.display_name or "", event.name or ""
            rest = shown[len(name):] if shown.startswith(name) else ""
            with contextlib.suppress(pytz.UnknownTimeZoneError):  # then its name must do
                event.display_name = f"{event._dated_name()}{rest}"
        return result

    def _dated_name(self):
        """Return « Tableurs – 12/12/2026 09:00 », local to the session, as the reader writes."""
        self.ensure_one()
        begin = self._localize(self.date_begin)
        return f"{self.name} – {format_date(self.env, begin.date())} {begin:%H:%M}"

    @api.model_create_multi
    def create(self, vals_list):
        """Leave out the sample text of Odoo's events: trainings have texts of their own."""
        usual = self.env.context.get("default_event_type_id")
        kinds = [vals.get("event_type_id", usual) for vals in vals_list]
        trainings = self.env["event.type"].browse({*kinds} - {None, False}).filtered("is_training")
        return super().create([
            {"description": False, **vals} if kind in trainings.ids else vals
            for vals, kind in zip(vals_list, kinds, strict=True)])

    # Seats --------------------------------------------------------------------------------

    @api.model
    def _move_seats(self, deltas, held=None):
        """Take (+) or give back (-) seats; refuse more than the capacity of a training.

        One statement per session decides, in the order of ids, so that two baskets in opposite
        order do not deadlock. Seats given back are offered to the waiting list at once.

        :param dict deltas: number of seats by session id
        :param dict held: number of seats to hold (+) or to release (-), by session id
        :raise SessionFull: naming the session
        """
        held = held or {}
        self.flush_model(
            ["seats_limited", "seats_max", "is_training", "seats_booked", "seats_held"])
        for event in self.browse(sorted({*deltas, *held})):
            event._move_own_seats(deltas.get(event.id, 0), held.get(event.id, 0))
        self.browse(
            id_ for id_ in {*deltas, *held} if deltas.get(id_, 0) + held.get(id_, 0) < 0
        )._offer_seats()

    def _move_own_seats(self, seats, held):
        if not seats and not held:
            return
        self.env.cr.execute(SQL(
            "UPDATE event_event SET seats_booked = seats_booked + %(seats)s, "
            "seats_held = seats_held + %(held)s "
            "WHERE id = %(id)s AND (%(seats)s + %(held)s <= 0 "
            "OR NOT COALESCE(is_training, FALSE) OR NOT COALESCE(seats_limited, FALSE) "
            "OR seats_booked + seats_held + %(seats)s + %(held)s <= seats_max)",
            seats=seats, held=held, id=self.id))
        self.invalidate_recordset(COUNTED_SEATS)
        if not self.env.cr.rowcount:
            raise self._full_error()

    def _full_error(self):
        return SessionFull(self.env._(
            "“%(session)s” of %(date)s is full. Nothing was booked or spent; choose another "
            "session.", session=self.name, date=self._local_begin()))

    @api.model
    def _count_seats_again(self):
        """Set the counter from the registrations (installation, repair)."""
        self.env.cr.execute("""
            UPDATE event_event event SET seats_booked = counted.seats, seats_held = counted.held
              FROM (SELECT e.id,
                           (SELECT COUNT(*) FROM event_registration r
                             WHERE r.event_id = e.id AND r.active
                               AND r.state IN ('open', 'done')) AS seats,
                           (SELECT COUNT(*) FROM session_waiting w
                             WHERE w.event_id = e.id AND w.state = 'offered') AS held
                      FROM event_event e) counted
             WHERE counted.id = event.id
               AND (event.seats_booked, event.seats_held) <> (counted.seats, counted.held)""")
        self.env["event.event"].invalidate_model(COUNTED_SEATS)

    # Booking ------------------------------------------------------------------------------

    def _local_begin(self):
        """Return the beginning in the session's timezone, formatted for the reader's language."""
        self.ensure_one()
        return self._format_moment(self.date_begin)

    def _format_moment(self, moment):
        """Return a UTC date and time as people say it, in the session's timezone; or ""."""
        if not moment:
            return ""
        local = self._localize(moment)
        return self.env._(
            "%(date)s at %(time)s",
            date=format_date(self.env, local.date(), date_format="full"),
            time=local.strftime("%H:%M"))

    def _price_label(self):
        self.ensure_one()
        return self.env["credit.wallet"]._credits_label(self.credit_price)

    def _localize(self, moment):
        self.ensure_one()
        return pytz.utc.localize(moment).astimezone(pytz.timezone(self.date_tz or "UTC"))

    def _local_date(self):
        """Return the civil date of the beginning in the session's timezone."""
        return self._localize(self.date_begin).date()

    def _local_hours(self):
        """Return begin and end in the session's timezone, with its name."""
        self.ensure_one()
        begin, end = self._localize(self.date_begin), self._localize(self.date_end)
        return f"{begin:%H:%M} – {end:%H:%M} ({self.date_tz})"

    def _is_past(self):
        self.ensure_one()
        return self.date_begin <= fields.Datetime.now()

    def _check_bookable(self, attendee=None):
        """Refuse a session that cannot be booked.

        A seat held for the attendee is theirs in a session that is full for everybody else.

        :raise SessionUnavailable: why this session cannot be booked now
        """
        self._check_open()
        if not self.has_seats_left and not (attendee and self._offer_to(attendee)):
            raise self._full_error()

    def _check_open(self):
        """Refuse a session that is not on sale.

        :raise SessionUnavailable: without price, past or cancelled
        """
        self.ensure_one()
        if not self.is_training or self.credit_price <= 0:
            raise SessionUnavailable(self.env._(
                "“%(session)s” has no price in credits and cannot be booked here. Please "
                "contact us.", session=self.name))
        if self._is_past():
            raise SessionUnavailable(self.env._(
                "“%(session)s” has already started. Choose a coming session.",
                session=self.name))
        if self.kanban_state == "cancel" or not self.active:
            raise SessionUnavailable(self.env._(
                "“%(session)s” is cancelled. Choose another session.", session=self.name))

    def _book(self, wallet, attendee, key, **vals):
        """Book one seat: credits, seat, invoice and mail, all or nothing.

        The wallet is debited before the seat is taken: that order is the same everywhere.

        :param wallet: the ``credit.wallet`` that pays; none for a seat paid outside
        :param attendee: the ``res.partner`` who comes
        :param str key: idempotency key: the same key returns the same registration
        :param vals: more values of the registration (``paid_outside`` and why)
        :return: the ``event.registration``
        :raise SessionUnavailable: past, cancelled, without price, full, or booked already
        :raise InsufficientCredits: the wallet holds less than the price
        """
        self.ensure_one()
        known = self.env["event.registration"].search([("booking_key", "=", key)])
        if known:
            return known
        self._check_bookable(attendee)
        self._check_not_booked_by(attendee)
        entry = wallet._spend(
            self.credit_price, f"booking:{key}", origin=self._booking_origin(),
        ) if wallet else self.env["credit.entry"]
        return self._take_seat(attendee, key, entry, **vals)

    def _book_all(self, wallet, attendee, key):
        """Book a seat in each of these sessions, all or nothing.

        Wallet and sessions are locked first, in the order of ids: two baskets with the same
        sessions in opposite order wait for each other instead of failing.

        :param str key: idempotency key of the basket
        :return: the ``event.registration`` records, in the order of the session's ids
        :raise SessionUnavailable: naming the first session that cannot be booked
        :raise InsufficientCredits: the wallet holds less than all of them cost
        """
        sessions = self.sorted("id")
        registrations = self.env["event.registration"].search(
            [("booking_key", "in", [f"{key}:{session.id}" for session in sessions])])
        if len(registrations) == len(sessions):
            return registrations.sorted(lambda seat: seat.event_id.id)
        price = sum(sessions.mapped("credit_price"))
        if wallet.spendable < price:
            raise wallet._insufficient_error(price)
        lock_in_order(wallet, sessions)
        return registrations.concat(*(
            session._book(wallet, attendee, f"{key}:{session.id}") for session in sessions))

    def _booking_origin(self):
        return self.env._(
            "%(session)s, %(date)s", session=self.name, date=self._local_begin())

    def _take_seat(self, attendee, key, entry, **vals):
        """Create the seat that these credits pay for, its invoice and its mail.

        :param entry: the ``credit.entry`` that spent the credits; none when paid outside
        :return: the ``event.registration``
        """
        registration = self.env["event.registration"].create({
            "event_id": self.id,
            "partner_id": attendee.id,
            "name": attendee.name,
            "email": attendee.email,
            "phone": attendee.phone,
            "credit_entry_id": entry.id,
            "booking_key": key,
            **vals,
        })
        if entry:
            registration._invoice_booking()
        registration._send_booking_mail("session_booking.mail_template_booking_confirmed")
        return registration

    def _check_not_booked_by(self, attendee):
        booked = self.env["event.registration"].search_count([
            ("event_id", "=", self.id), ("partner_id", "=", attendee.id),
            ("state", "in", ("open", "done"))], limit=1)
        if booked:
            raise SessionUnavailable(self.env._(
                "%(name)s already has a seat in “%(session)s”. See “My trainings”.",
                name=attendee.name, session=self.name))

    def _days_before(self, days):
        """Return the UTC moment at the same local time, some civil days before the beginning."""
        self.ensure_one()
        local = self._localize(self.date_begin) - relativedelta(days=days)
        # An hour the clock jumps over is taken as the one before the jump shifted on.
        return (
            pytz.timezone(self.date_tz or "UTC").localize(local.replace(tzinfo=None))
            .astimezone(pytz.utc).replace(tzinfo=None))

    # Copies -------------------------------------------------------------------------------

    def copy_data(self, default=None):
        """Copy a session as the training's next one: same name, in the first coming week."""
        default = dict(default or {})
        vals_list = super().copy_data(default=default)
        for event, vals in zip(self, vals_list, strict=True):
            if event.is_training and "name" not in default:
                vals["name"] = event.name
            if event.is_training and not {"date_begin", "date_end"} & set(default):
                vals["date_begin"] = event._same_hour_in_a_coming_week()
                vals["date_end"] = vals["date_begin"] + (event.date_end - event.date_begin)
        return vals_list

    def _same_hour_in_a_coming_week(self):
        """Return the same weekday and local hour, at least a week later and not past (UTC)."""
        self.ensure_one()
        local, timezone = self._localize(self.date_begin), self.date_tz or "UTC"
        weeks, now = 0, fields.Datetime.now()
        while True:
            weeks += 1
            try:
                moment = local_to_utc(
                    local.date() + relativedelta(weeks=weeks), local.time(), timezone)
            except NonExistentTime:
                continue
            if moment > now:
                return moment

    # Companies and their employees --------------------------------------------------------

    def _attendees(self, booker):
        """Return whom this person may book for: themselves, and the team they manage."""
        managed = self._managed_wallet(booker)
        return booker | managed._employees() if managed else booker

    def _managed_wallet(self, booker):
        """Return the company's wallet that this person manages, or none."""
        wallet = self.env["credit.wallet"]._of(booker, self._paying_company())
        return wallet.filtered(lambda shared: shared._may_manage(booker))

    def _wallet_to_pay(self, booker, attendee):
        """Return the wallet that pays: one's own or a shared one; the company's for an employee.

        :return: a ``credit.wallet``, none when this person may spend from no wallet
        """
        if attendee == booker:
            return self.env["credit.wallet"]._to_spend(
                booker, self._paying_company(), sum(self.mapped("credit_price")))
        return self._managed_wallet(booker)

    # Website ------------------------------------------------------------------------------

    def _compute_event_mail_ids(self):
        """Leave out Odoo's mails: trainings have their own confirmation and reminders."""
        trainings = self.filtered("event_type_id.is_training")
        for event in trainings:
            event.event_mail_ids = [fields.Command.clear()]
        return super(EventEvent, self - trainings)._compute_event_mail_ids()

    def _cancel_deadline(self):
        """Return until when (UTC) customers can cancel and get their credits back."""
        self.ensure_one()
        return self.date_begin - relativedelta(hours=self.cancel_hours)
