import json
import logging
import random
import re
import time
from functools import partial

from markupsafe import escape
from psycopg2.errors import UniqueViolation

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from .. import const
from ..exceptions import EventIgnored, EventRefused, SignatureRefused

_logger = logging.getLogger(__name__)

STATES = [
    ("received", "Waiting"),
    ("processing", "Being processed"),
    ("done", "Done"),
    ("ignored", "Ignored"),
    ("failed", "Failed"),
]
WAITING = ("received", "processing")
CONFLICTS = 20  # one after the other, before an event is put off


class StripeEvent(models.Model):
    """The inbox: what Stripe told, once each, and what became of it.

    What each kind of event changes is in ``stripe_event_effect``.
    """

    _name = "stripe.event"
    _description = "Stripe Event"
    _engine_only = True
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "received_at desc, id desc"
    _rec_name = "event_id"

    provider_id = fields.Many2one(
        "payment.provider", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    event_id = fields.Char(required=True, readonly=True)
    kind = fields.Char(string="Type", required=True, readonly=True)
    object_ref = fields.Char(
        string="Object", readonly=True, help="What the event is about, by its number at Stripe.")
    body = fields.Text(required=True, readonly=True, help="As received.")
    received_at = fields.Datetime(string="Received", required=True, readonly=True)
    state = fields.Selection(STATES, required=True, readonly=True, default="received")
    attempts = fields.Integer(readonly=True, required=True, default=0)
    next_try = fields.Datetime(string="Next attempt", readonly=True)
    error = fields.Text(string="What happened", readonly=True)
    transaction_ids = fields.Many2many(
        "payment.transaction", string="Transactions", readonly=True)

    _once = models.Constraint(
        "UNIQUE(provider_id, event_id)", "This event is already in the inbox.")
    _to_do = models.Index("(next_try, id) WHERE state IN ('received', 'processing')")

    # Receiving ------------------------------------------------------------------------------------

    @api.model
    def _receive(self, body, header):
        """Keep a notification, whatever it says, when its signature is right.

        :param bytes body: as received
        :param str header: ``Stripe-Signature``
        :return: the new events, one a provider; none when the same was received before
        :raise SignatureRefused: nothing of it can be believed
        """
        providers = self.env["payment.provider"]._stripe_verify(body, header)
        text = body.decode()
        event = _parse(text)
        rows = [self._prepare_received_vals(provider, event, text)
                for provider in self._addressees(providers, event)]
        self.env.cr.execute(SQL(
            "INSERT INTO stripe_event (%(columns)s) VALUES %(rows)s"
            " ON CONFLICT (provider_id, event_id) DO NOTHING RETURNING id",
            columns=SQL(", ").join(map(SQL.identifier, rows[0])),
            rows=SQL(", ").join(tuple(row.values()) for row in rows)))
        return self.browse(row[0] for row in self.env.cr.fetchall())

    def _prepare_received_vals(self, provider, event, text):
        """Prepare the columns of an event that has just arrived.

        :param str text: its body
        """
        now = fields.Datetime.now()
        return {
            "provider_id": provider.id, "company_id": provider.company_id.id or None,
            "event_id": event["id"], "kind": event["type"],
            "object_ref": _safe_reference(event["data"]["object"].get("id")), "body": text,
            "received_at": now, "next_try": now, "state": "received", "attempts": 0,
            "create_uid": self.env.uid, "create_date": now,
        }

    def _addressees(self, providers, event):
        """Find whom an event is for, of the providers whose secret has signed it: companies may
        share an account.

        :return: the provider of the payment that it is about; when it is about none, or one that
            is not there yet, all of them: those whom it does not concern ignore it
        """
        if len(providers) == 1:
            return providers
        about = event["data"]["object"]
        metadata = about.get("metadata")
        named = metadata.get("odoo_reference") if isinstance(metadata, dict) else None
        references = _printable_texts(about.get("description"), named)
        objects = _printable_texts(about.get("id"), about.get("payment_intent"))
        found = self.env["payment.transaction"].search([
            ("provider_id", "in", providers.ids), "|", ("reference", "in", references),
            ("provider_reference", "in", objects)])
        return found.provider_id or providers

    def _work_after_answer(self):
        """Return what the same worker does once Stripe has its answer: the scheduled action, a
        minute later, is for workers that were killed, and for further attempts."""
        return partial(_work_in_own_transaction, self.env.cr.dbname, self.ids)

    # Working --------------------------------------------------------------------------------------

    @api.model
    def _cron_work(self, limit=100):
        """Process events that are due, oldest first; every minute."""
        domain = [("state", "in", WAITING), ("next_try", "<=", fields.Datetime.now())]
        for event in self.search(domain, order="next_try, id", limit=limit):
            event._process_event()
            if not self.env["ir.cron"]._commit_progress(1):
                break

    def _process_event(self):
        """Act upon one event; commits. It ends done, ignored, put off, or failed.

        In two transactions, as Odoo does it: the payment is recorded even when the order behind
        it cannot be confirmed. A conflict with whoever works on the same payment is repeated at
        once, with what they did in sight.
        """
        self.ensure_one()
        try:
            if not self._retry_conflicts(self._claim):
                return
            if self.attempts > len(const.BACKOFF) + 1:
                raise EventRefused(self.env._("Every worker that processed it was stopped "
                                              "before the end."))
            self._retry_conflicts(self._apply_effect)
            self._retry_conflicts(self._post_process_payments)
        except EventIgnored as reason:
            self._close_as("ignored", str(reason))
        except EventRefused as reason:
            self._close_as("failed", str(reason))
        except Exception as error:
            self.env.cr.rollback()  # first: a broken transaction tells nothing
            _logger.warning("Stripe event %s failed", self.event_id, exc_info=True)
            self._postpone(error)

    def _retry_conflicts(self, step):
        """Do one step and commit it, again and again while others work on the same payment.

        Each conflict comes after a wait for the other's commit, so the next try may follow soon:
        the seconds that Odoo's requests wait in between would be the customer's. A row that both
        make, such as a follower of the same subscription, is a conflict, too: the next try finds
        it made.

        :return: what the step returned
        :raise psycopg2.Error: conflicts without an end
        """
        for tries_left in reversed(range(CONFLICTS)):
            try:
                result = step()
                self.env["ir.cron"]._commit_progress()
            except (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, UniqueViolation):
                self.env.cr.rollback()
                self.env.registry.reset_changes()
                if not tries_left:
                    raise
                time.sleep(random.uniform(0.02, 0.2))
            else:
                self.env.registry.signal_changes()
                return result
        return None

    def _claim(self):
        """Keep the event for this worker for a while: a killed one's comes back by itself.

        :return: whether it is ours
        """
        wait = const.BACKOFF[min(self.attempts, len(const.BACKOFF) - 1)]
        now = fields.Datetime.now()
        self.env.cr.execute(SQL(
            "UPDATE stripe_event SET state = 'processing', attempts = attempts + 1,"
            " next_try = %(until)s WHERE id = %(id)s AND state IN ('received', 'processing')"
            " AND next_try <= %(now)s RETURNING id", until=now + wait, id=self.id, now=now))
        is_ours = bool(self.env.cr.fetchall())  # before anything is flushed on this cursor
        self.invalidate_recordset()
        return is_ours

    def _lock(self):
        """Keep everybody else off the event, even when this worker's time is over.

        :raise psycopg2.errors.LockNotAvailable: somebody does
        """
        self.env.cr.execute(SQL(
            "SELECT id FROM stripe_event WHERE id = %s FOR UPDATE NOWAIT", self.id))
        self.invalidate_recordset()

    def _apply_effect(self):
        """Record what the event says of its payment, in the first of two transactions."""
        self._lock()
        event = json.loads(self.body)
        effect = self._stripe_effects().get(self.kind)
        if reason := self._why_ignore(event, effect):
            raise EventIgnored(reason)
        self.transaction_ids = getattr(self, effect)(event["data"]["object"])

    def _why_ignore(self, event, effect):
        """Say why nothing follows from the event; None when something does."""
        if event.get("account"):
            return self.env._("It belongs to another Stripe account: %(account)s.",
                              account=event["account"])
        if bool(event.get("livemode")) == self.provider_id._stripe_has_test_key():
            return self.env._("It is a test and the provider takes real payments, or the "
                              "other way round.")
        if not effect:
            return self.env._("Events of this type have no effect here.")
        return None

    def _post_process_payments(self):
        """Let order, invoice, payment and mails follow, as after any payment in Odoo, in the
        second of two transactions."""
        self._lock()
        for transaction in self.transaction_ids:
            if not transaction.is_post_processed:
                transaction._post_process()
        self.write({"state": "done", "error": False, "next_try": False})

    def _close_as(self, state, reason):
        """Close the event: nothing more is tried by itself."""
        def close():
            self._lock()
            self.write({"state": state, "error": reason, "next_try": False})
            if state == "failed":
                self._tell_staff()
        self.env.cr.rollback()
        self._retry_conflicts(close)

    def _postpone(self, error):
        """Try again later, a limited number of times."""
        self.env.cr.rollback()
        reason = str(error) or type(error).__name__
        if self.attempts > len(const.BACKOFF):
            return self._close_as("failed", reason)

        def put_off():
            self._lock()
            self.write({"state": "received", "error": reason})
        return self._retry_conflicts(put_off)

    def _not_there_yet(self, reference):
        return UserError(self.env._(
            "Stripe has a payment for %(reference)s made by this database, which has no such "
            "transaction.", reference=reference))

    # Staff ----------------------------------------------------------------------------------------

    def _tell_staff(self):
        """Plan an activity for an accountant: one at a time, the list shows the others."""
        failed = self.search([("state", "=", "failed"), ("company_id", "=", self.company_id.id)])
        if failed.activity_ids:
            return
        user = self.env["stripe.health"]._find_accountant(self.company_id)
        speaking = self.with_context(lang=user.lang)
        self.activity_schedule(
            "mail.mail_activity_data_todo", user_id=user.id,
            note=escape(self.error or ""),
            summary=speaking.env._("Stripe event failed: %(kind)s", kind=self.kind))

    def action_replay(self):
        """Try again now; an event that was done is looked at again, and changes nothing twice."""
        self.check_access("read")
        # sudo: staff who may see the inbox may have it worked on; the engine writes it
        events = self.sudo()
        if busy := events.filtered(lambda event: event.state == "processing"
                                   and event.next_try > fields.Datetime.now()):
            raise UserError(self.env._(
                "%(event)s is being processed. Wait a minute, then look again.",
                event=busy[0].event_id))
        events.write({"state": "received", "attempts": 0, "next_try": fields.Datetime.now()})
        events.activity_ids.action_done()
        self.env.ref("subscription_stripe.ir_cron_work").sudo()._trigger()

    def action_ignore(self):
        """Close events that staff have settled otherwise."""
        self.check_access("read")
        # sudo: as in action_replay
        events = self.sudo().filtered(lambda event: event.state in ("received", "failed"))
        events.write({"state": "ignored", "next_try": False, "error": self.env._(
            "Ignored by %(name)s.", name=self.env.user.name)})
        events.activity_ids.action_done()

    @api.autovacuum
    def _gc_events(self):
        """Delete what was dealt with after 90 days: bodies hold personal data."""
        limit = 10_000
        old = self.search([
            ("state", "in", ("done", "ignored")),
            ("received_at", "<", fields.Datetime.now() - const.KEEP_EVENTS)], limit=limit)
        old.unlink()
        return len(old), len(old) == limit


def _parse(text):
    """Read the body of a notification.

    :raise SignatureRefused: signed, but no event of Stripe
    """
    try:
        event = json.loads(text)
        names = (event["id"], event["type"])
        about = event["data"]["object"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SignatureRefused("no event of Stripe") from error
    if not isinstance(about, dict) or not all(
            isinstance(name, str) and re.fullmatch(r"[\w.-]{1,200}", name) for name in names):
        raise SignatureRefused("no event of Stripe")
    return event


def _printable_texts(*values):
    """List the texts of what Stripe said that can be looked up."""
    return [value for value in values if isinstance(value, str) and value.isprintable()]


def _safe_reference(value):
    return value if isinstance(value, str) and re.fullmatch(r"[\w.-]{1,200}", value) else None


def _work_in_own_transaction(database, ids):
    """Process events after the answer; what goes wrong is left to the scheduled action."""
    try:
        with Registry(database).cursor() as cr:
            for event in api.Environment(cr, SUPERUSER_ID, {})["stripe.event"].browse(ids):
                lang = event.provider_id.company_id._spoken_language()
                event.with_context(lang=lang)._process_event()
    except Exception:
        _logger.exception("Stripe events %s are left to the scheduled action", ids)
