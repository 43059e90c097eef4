import hmac
import secrets
from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from odoo.addons.concurrency_base.tools import find_staff, tell_once, work_through

LIVE = ("waiting", "offered")


class SessionWaiting(models.Model):
    """A customer in line for a seat of a full session; the line is in the order of the ids.

    A freed seat is *held* for the first in line who can pay (``event.event.seats_held``), until
    they accept, decline, or the time is over. The order of locks is wallet, session, then rows of
    the line.
    """

    _name = "session.waiting"
    _description = "Waiting List of a Session"
    _order = "id"
    _rec_name = "partner_id"

    event_id = fields.Many2one(
        "event.event", string="Session", required=True, index=True, ondelete="cascade",
        domain=[("is_training", "=", True)])
    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, index=True, ondelete="restrict")
    company_id = fields.Many2one(
        related="event_id.company_id", store=True, engine=True, precompute=True)
    wallet_id = fields.Many2one(
        "credit.wallet", string="Company's wallet", readonly=True, engine=True, copy=False,
        index=True,
        ondelete="restrict", help="The wallet that pays for this employee, when a training "
        "manager of the company put them in line. Its managers may accept the seat too.")
    state = fields.Selection([
        ("waiting", "Waiting"),
        ("offered", "Seat offered"),
        ("seated", "Seat taken"),
        ("declined", "Declined"),
        ("lapsed", "Not answered in time"),
        ("left", "Left the list"),
        ("closed", "Session closed"),
    ], required=True, readonly=True, engine=True, default="waiting", copy=False)
    offered_until = fields.Datetime(
        readonly=True, engine=True, copy=False,
        help="Until when the seat is held for this customer.")
    skipped_date = fields.Datetime(
        string="Skipped on", readonly=True, engine=True, copy=False,
        help="A seat was free, and the wallet held too few credits; the customer was told.")
    registration_id = fields.Many2one(
        "event.registration", string="Booking", readonly=True, engine=True, copy=False,
        ondelete="set null")
    access_token = fields.Char(
        readonly=True, engine=True, copy=False, groups="base.group_system",
        default=lambda self: secrets.token_urlsafe(24))
    position = fields.Integer(compute="_compute_position", help="1: the next to get a seat.")

    _in_line_once = models.UniqueIndex(
        "(event_id, partner_id) WHERE state IN ('waiting', 'offered')",
        "This customer is already on the waiting list of the session.")
    _offer_has_an_end = models.Constraint(
        "CHECK(state <> 'offered' OR offered_until IS NOT NULL)",
        "A seat is offered until a given time.")
    _line = models.Index("(event_id, id) WHERE state = 'waiting'")

    @api.depends("event_id.waiting_ids.state")
    def _compute_position(self):
        lines = {
            event: ids for event, ids in self._read_group(
                [("event_id", "in", self.event_id.ids), ("state", "=", "waiting")],
                ["event_id"], ["id:array_agg"])}
        for waiting in self:
            ahead = lines.get(waiting.event_id, [])
            waiting.position = waiting.state == "waiting" and sum(
                id_ <= waiting._origin.id for id_ in ahead)

    @api.constrains("event_id", "partner_id")
    def _check_may_wait(self):
        for waiting in self:
            waiting.event_id._check_open()
            waiting.event_id._check_not_booked_by(waiting.partner_id)

    @api.constrains("wallet_id", "partner_id")
    def _check_wallet_of_employer(self):
        for waiting in self.filtered("wallet_id"):
            if not waiting._employer_wallet():
                raise ValidationError(self.env._(
                    "%(name)s does not work for %(company)s, whose wallet cannot pay for them.",
                    name=waiting.partner_id.name, company=waiting.wallet_id.partner_id.name))

    @api.model_create_multi
    def create(self, vals_list):
        """Create places in line, for full sessions only.

        :raise UserError: the session is not full: a seat can be booked
        """
        line = super().create(vals_list)
        line.event_id.sudo()._lock_while_full()  # sudo: changes nothing of the session
        return line

    # Joining and leaving ------------------------------------------------------------------

    @api.model
    def _of(self, event, partner):
        """Return the live place of the person in the line of the session, or none."""
        return self.search([
            ("event_id", "=", event.id), ("partner_id", "=", partner.id), ("state", "in", LIVE)])

    @api.model
    def _join(self, event, partner, wallet=None):
        """Put the person at the end of the line; a person already in it keeps their place.

        :param wallet: the ``credit.wallet`` of the employer, when its manager does so
        :raise UserError: not full, past, cancelled, or the person has a seat
        """
        return self._of(event, partner) or self.create(
            {"event_id": event.id, "partner_id": partner.id,
             "wallet_id": wallet and wallet.id})

    def _leave(self):
        """Decline the seat offered, or leave the line; the seat goes to the next."""
        offered = self.filtered(lambda waiting: waiting.state == "offered")
        offered._release("declined")
        self.filtered(lambda waiting: waiting.state == "waiting").state = "left"

    @api.model
    def _merge_partners(self, partners):
        """Keep one place per session for contacts that become one; none where they have a seat.

        A place with a seat on offer is preferred, else the first in line is kept.

        :param partners: the ``res.partner`` records that become one
        """
        # sudo: whoever may merge contacts merges what they own
        places = self.sudo().search(
            [("partner_id", "in", partners.ids), ("state", "in", LIVE)])
        seated = self.env["event.registration"].sudo().search([
            ("partner_id", "in", partners.ids), ("event_id", "in", places.event_id.ids),
            ("state", "in", ("open", "done"))]).event_id
        for event, line in places.grouped("event_id").items():
            line = line.sorted(lambda place: (place.state != "offered", place.id))
            line[0 if event in seated else 1:]._release("left")

    def _release(self, state):
        """End these places in line; seats held for them go to the next."""
        held = self.filtered(lambda waiting: waiting.state == "offered")
        held.event_id._move_seats({}, held=held._count_seats(-1))
        self.state = state

    def _count_seats(self, sign):
        """Count the seats held (+1) or given back (-1) by session id."""
        return Counter({
            event.id: sign * len(line) for event, line in self.grouped("event_id").items()})

    def action_leave(self):
        """Leave the line for a customer who called to decline or to leave."""
        self.check_access("create")  # places in line are changed by these methods only
        self.sudo()._leave()

    def action_accept(self):
        """Accept the seat for a customer who called; their credits are spent."""
        self.check_access("create")
        place = self.sudo()
        return place._accept(place._employer_wallet())._get_records_action()

    # The offer ----------------------------------------------------------------------------

    def _filter_solvent(self):
        """Return those of the line who can pay.

        They pay from their own wallet, or from their company's: when they may spend its credits,
        or when its manager put them in line.
        """
        event = self.event_id
        wallets = self.env["credit.wallet"].search([
            ("company_id", "=", event._paying_company().id),
            "|", ("reader_ids", "in", self.partner_id.ids), ("id", "in", self.wallet_id.ids)])
        spendable = wallets._spendable()
        wallets = wallets.filtered(lambda wallet: spendable[wallet.id] >= event.credit_price)
        able = {
            (wallet.partner_id, partner) for wallet in wallets
            for partner in wallet.reader_ids}
        return self.filtered(
            lambda waiting: waiting._employer_wallet() in wallets or not able.isdisjoint({
                (waiting.partner_id, waiting.partner_id),
                (waiting.partner_id.commercial_partner_id, waiting.partner_id)}))

    def _offer(self):
        """Tell these customers until when a seat, already held, is theirs."""
        for event, line in self.grouped("event_id").items():
            line.write({"state": "offered", "offered_until": event._offer_ends()})
        self._send_mail("session_booking.mail_template_waiting_offer")
        # sudo: an action of the system; it takes the seat back when nobody answers
        self.env.ref("session_booking.ir_cron_waiting").sudo()._trigger(
            set(self.mapped("offered_until")))

    def _notify_skipped(self):
        """Tell those who cannot pay, once; they keep their place in the line."""
        told = self.filtered(lambda waiting: not waiting.skipped_date)
        told.skipped_date = fields.Datetime.now()
        told._send_mail("session_booking.mail_template_waiting_skipped")

    def _is_offered(self):
        self.ensure_one()
        return self.state == "offered" and self.offered_until > fields.Datetime.now()

    def _accept(self, wallet=None):
        """Spend the credits and take the seat held; a second call changes nothing.

        :param wallet: the ``credit.wallet`` that pays; by default the customer's
        :return: the ``event.registration``
        :raise UserError: declined, too late, or nobody lets this customer spend credits
        :raise InsufficientCredits: the credits were spent since the offer
        """
        self.ensure_one()
        if self.registration_id:
            return self.registration_id
        event = self.event_id
        if not self._is_offered():
            raise UserError(self.env._(
                "The seat in “%(session)s” is no longer held for you. Nothing was spent; choose "
                "another session.", session=event.name))
        return event._book(
            wallet or self._get_paying_wallet(self.partner_id), self.partner_id,
            f"waiting:{self.id}")

    def _get_paying_wallet(self, booker):
        """Return the wallet that pays when this person accepts.

        :param booker: the ``res.partner`` in line, or a manager of their company
        :raise UserError: the company's credits may not be spent by this person
        """
        wallet = self.event_id._wallet_to_pay(booker, self.partner_id)
        if not wallet:
            raise UserError(self.env._(
                "Ask the training manager of your company to let you spend its credits."))
        return wallet

    def _employer_wallet(self):
        """Return the wallet whose manager put this employee in line, if they still work there."""
        self.ensure_one()
        return self.wallet_id.filtered(
            lambda wallet: wallet.partner_id == self.partner_id.commercial_partner_id)

    def _recipients(self):
        """Return who is told: the person in line, and who accepts for the company that pays."""
        self.ensure_one()
        wallet = self._employer_wallet()
        return self.partner_id | wallet._managers() if wallet else self.partner_id

    def _mark_seated(self, registrations):
        """Close these places, as their customers have a seat, from the line or booked otherwise."""
        seats = {(seat.event_id, seat.partner_id): seat for seat in registrations}
        for waiting in self:
            waiting.write({
                "state": "seated",
                "registration_id": seats[waiting.event_id, waiting.partner_id].id})

    # Links and mails ----------------------------------------------------------------------

    @api.model
    def _from_token(self, waiting_id, token):
        """Return the place in line a link was made for, or none.

        sudo: the link is the credential, as in a mail; it opens this one place in line.
        """
        waiting = self.sudo().browse(waiting_id).exists()
        known = waiting and hmac.compare_digest(waiting.access_token.encode(), token.encode())
        return waiting if known else waiting.browse()

    def _get_link(self):
        """Return the path of the page on which the customer accepts, declines or leaves."""
        self.ensure_one()
        # sudo: shown only to the customer, who may use it
        return f"/trainings/waiting/{self.id}/{self.sudo().access_token}"

    def _send_mail(self, template):
        """Mail these customers, in the background."""
        if self:
            # sudo: whoever frees the seat, the customer is told
            self.env.ref(template).sudo().send_mail_batch(self.ids)
            # sudo: the mail queue belongs to the system
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()

    # Time ---------------------------------------------------------------------------------

    @api.model
    def _cron_waiting(self, limit=100):
        """Take back seats not accepted in time, close lines of past sessions, offer free seats.

        A session may have a free seat and a line when nobody in the line could pay; a customer who
        has bought credits since is offered it here. Sessions another transaction works on are left
        for the next run.
        """
        now = fields.Datetime.now()
        over = (Domain("state", "=", "offered") & Domain("offered_until", "<=", now)) | (
            Domain("state", "=", "waiting") & Domain("event_id.date_begin", "<=", now))
        # Coming sessions that have a line and yet a free seat.
        free = Domain("state", "=", "waiting") & Domain("event_id.date_begin", ">", now) & Domain(
            "event_id.has_seats_left", "=", True)
        if not (self._work_on_sessions(over, limit, lambda events: self._end_over(events, over))
                and self._work_on_sessions(free, limit, lambda events: events._offer_seats())):
            self.env["ir.cron"]._commit_progress(remaining=self.search_count(over | free))

    @api.model
    def _work_on_sessions(self, domain, limit, work):
        """Work on the sessions that have such places in line; one that fails stops no other.

        :param work: called with sessions that are locked
        :return: whether there was time for all
        """
        def find(last_id):
            events = self.env["event.event"].search(
                [("id", ">", last_id), ("waiting_ids", "any", domain)], order="id", limit=limit)
            return events, events.try_lock_for_update()

        return work_through(self.env, find, work, self._tell_of_error)

    @api.model
    def _end_over(self, events, over):
        line = self.search(over & Domain("event_id", "in", events.ids))
        lapsed = line.filtered(lambda waiting: waiting.state == "offered")
        (line - lapsed).state = "closed"
        lapsed._release("lapsed")
        lapsed._send_mail("session_booking.mail_template_waiting_lapsed")

    @api.model
    def _tell_of_error(self, event, error):
        """Tell staff, once, that the waiting list of a session does not go on."""
        user = event.user_id or find_staff(
            self.env, "event.group_event_user", event.company_id)
        tell_once(event, user, lambda env: env._("The waiting list does not go on"), error)
