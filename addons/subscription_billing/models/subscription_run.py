import logging

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from odoo.addons.concurrency_base.tools import reason_of, work_isolated

_logger = logging.getLogger(__name__)

BATCH_SIZE = 200
MAX_CONFLICTS = 20  # batches given up in a row because another worker was faster


class SubscriptionRun(models.Model):
    """One pass of the renewals: how far it is, and what it left for staff."""

    _name = "subscription.run"
    _description = "Renewal Run"
    _engine_only = True
    _order = "id desc"
    _rec_name = "start"

    start = fields.Datetime(
        string="Started", required=True, readonly=True,
        default=lambda self: fields.Datetime.now())
    end = fields.Datetime(string="Finished", readonly=True)
    billed_count = fields.Integer(string="Billed", readonly=True)
    ended_count = fields.Integer(string="Ended", readonly=True)
    held_count = fields.Integer(string="Held", readonly=True)
    remaining_count = fields.Integer(string="Remaining", readonly=True)
    progress = fields.Float(compute="_compute_progress")

    @api.depends("billed_count", "ended_count", "held_count", "remaining_count")
    def _compute_progress(self):
        for run in self:
            done = run.billed_count + run.ended_count + run.held_count
            total = done + run.remaining_count
            run.progress = 100 * done / total if total else 100

    @api.model
    def _cron_renew(self, limit=BATCH_SIZE):
        """Do what is due: begin, bill, resume and end, a batch claimed and committed at a time.

        Any number of workers may run it at once. A subscription that cannot be billed is held
        and reported to staff, and the others go on.
        """
        self._end_held(limit)
        self._invoice_usage(limit)
        remaining = self._count_due()
        if not remaining:
            return
        run = self.create({"remaining_count": remaining})
        run._go_on(limit)

    def action_run_now(self):
        """Start the scheduled action at once; it does not run twice at a time."""
        self.check_access("read")
        # sudo: the queue belongs to the system
        self.env.ref("subscription_billing.ir_cron_renew").sudo()._trigger()
        return {
            "type": "ir.actions.client", "tag": "display_notification",
            "params": {"type": "success", "message": self.env._(
                "The renewals start within a minute. Reload this page to follow them.")},
        }

    def _go_on(self, limit=BATCH_SIZE):
        conflicts = 0
        while conflicts < MAX_CONFLICTS:
            try:
                count = self._do_batch(limit)
                time_left = self.env["ir.cron"]._commit_progress(count)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self.env.cr.rollback()
                conflicts += 1
                continue
            conflicts = 0
            if not count or not time_left:
                break
        self._finish()

    def _finish(self):
        remaining = self._count_due()
        self.write({"remaining_count": remaining, "end": fields.Datetime.now()})
        self.env["ir.cron"]._commit_progress(remaining=remaining)

    @api.model
    def _repair_next_run_at(self):
        """Compute anew when something happens next, where what is stored does not agree: such a
        row, of an earlier version or changed by hand in the database, is billed late or never.

        :return: the subscriptions repaired
        """
        subscriptions = self.env["subscription.subscription"]
        subscriptions.flush_model()
        # A row of a timezone that nobody knows is left out, here and in the CASE, lest it stop all.
        self.env.cr.execute(SQL(
            "SELECT id FROM subscription_subscription WHERE tz = ANY(%(zones)s)"
            " AND next_run_at IS DISTINCT FROM"
            " CASE WHEN state = ANY(%(live)s) AND tz = ANY(%(zones)s) THEN LEAST(end_date, CASE"
            "  WHEN state = ANY(%(billed)s) THEN next_date"
            "  WHEN state = 'paused' THEN resume_date END)::timestamp"
            "  AT TIME ZONE tz AT TIME ZONE 'UTC' END",
            zones=[zone for zone, _label in subscriptions._tz_get()],
            live=list(subscriptions._LIVE_STATES), billed=list(subscriptions._BILLED_STATES)))
        # Where the clocks change at midnight, two calendars may differ by an hour: ours decides.
        stray = subscriptions.browse(row[0] for row in self.env.cr.fetchall()).filtered(
            lambda each: each.next_run_at != each._next_moment())
        if stray:
            _logger.warning("Next days computed anew: %s", ", ".join(stray.mapped("name")))
            stray._compute_next_run_at()
            self.env.ref("subscription_billing.ir_cron_renew")._trigger()
        return stray

    def _due_domain(self):
        return [("is_held", "=", False), ("next_run_at", "<=", fields.Datetime.now())]

    def _count_due(self):
        return self.env["subscription.subscription"].search_count(self._due_domain())

    def _claim_due(self, limit):
        """Lock due subscriptions that no other worker holds, in one statement."""
        subscriptions = self.env["subscription.subscription"]
        subscriptions.flush_model()
        query = subscriptions._search(self._due_domain(), order="next_run_at, id", limit=limit)
        self.env.cr.execute(SQL("%s FOR NO KEY UPDATE SKIP LOCKED", query.select()))
        return subscriptions.browse(row[0] for row in self.env.cr.fetchall())

    def _do_batch(self, limit):
        """Bill one batch.

        :return: how many subscriptions were dealt with; each has moved on or is held
        """
        batch = self._claim_due(limit)
        if not batch:
            return 0
        held = self._hold_incomplete(batch)
        billed, failed = self._isolated(batch - held, "_renew")
        held |= failed
        ended = (batch - held).filtered(lambda subscription: subscription.state == "ended")
        self.write({
            "billed_count": self.billed_count + billed,
            "ended_count": self.ended_count + len(ended),
            "held_count": self.held_count + len(held),
            "remaining_count": max(self.remaining_count - len(batch), 0),
        })
        return len(batch)

    def _hold_incomplete(self, batch):
        """Keep out those whose customer lacks data that an invoice needs.

        :return: the subscriptions held
        """
        def hold(part):
            held = part.browse()
            for subscription in part.filtered(lambda each: not each._is_due_to_end()):
                if missing := subscription._missing_data():
                    subscription._hold(missing)
                    held |= subscription
            return held

        results, failed = work_isolated(batch, hold, self._hold_failed)
        return failed.concat(failed, *results)

    @api.model
    def _hold_failed(self, subscription, error):
        """Hold a subscription that the scheduled action could not work on, and tell staff."""
        subscription._hold(reason_of(subscription._for_staff().env, error))

    def _isolated(self, batch, method):
        """Bill a batch; hold the records that make it fail.

        :param str method: of the subscriptions, that bills them
        :return: (number of records billed, subscriptions held because they failed)
        """
        made, failed = work_isolated(
            batch, lambda part: getattr(part, method)(), self._hold_failed)
        return sum(map(len, made)), failed

    def _end_held(self, limit=BATCH_SIZE):
        """End what is held when its last day is over: nothing more is billed, so nothing is
        missing. One that cannot be ended stays held, as staff know."""
        subscriptions = self.env["subscription.subscription"]
        domain = [("is_held", "=", True), ("next_run_at", "<=", fields.Datetime.now()),
                  ("end_date", "<=", fields.Date.add(fields.Date.today(), days=1))]

        def find(last_id, limit):
            return subscriptions.search(
                [*domain, ("id", ">", last_id)], order="id", limit=limit)

        def end(held):
            work_isolated(held, lambda part: part.filtered(
                lambda each: each._is_past_end())._end(reason="term"))

        self._process_in_batches(find, end, limit)

    def _invoice_usage(self, limit=BATCH_SIZE):
        """Invoice usage whose renewal is far, one invoice a subscription."""
        self._process_in_batches(self.env["subscription.subscription"]._find_unbilled_usage,
                   lambda batch: self._isolated(batch, "_invoice_usage"), limit)

    def _process_in_batches(self, find, act, limit):
        """Go through subscriptions in the order of their ids, a batch and a commit at a time.

        :param find: of the last id and a limit, returns the next ones
        :param act: of those that no other worker holds; a conflict leaves them to the next run
        """
        last_id = 0
        while found := find(last_id, limit):
            last_id = found[-1].id
            try:
                act(found.try_lock_for_update(allow_referencing=True))
                self.env["ir.cron"]._commit_progress(len(found))
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self.env.cr.rollback()
