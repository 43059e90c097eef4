import logging

import psycopg2

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

BATCH_SIZE = 200
MAX_CONFLICTS = 20  # batches given up in a row because another worker was faster


class SubscriptionRun(models.Model):
    """One pass of the renewals: how far it is, and what it left for staff."""

    _name = "subscription.run"
    _description = "Renewal Run"
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
        """Bill what is due: a batch claimed, billed and committed at a time.

        Any number of workers may run it at once. A subscription that cannot be billed is held
        and reported to staff, and the others go on.
        """
        self._resume_paused()
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

    def _due_domain(self):
        return [("state", "in", self.env["subscription.subscription"]._BILLED_STATES),
                ("is_held", "=", False), ("next_run_at", "<=", fields.Datetime.now())]

    def _count_due(self):
        return self.env["subscription.subscription"].search_count(self._due_domain())

    def _claim(self, limit):
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
        batch = self._claim(limit)
        if not batch:
            return 0
        held = self._hold_incomplete(batch)
        billed, failed = self._renew_isolated(batch - held)
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
        held = batch.browse()
        for subscription in batch:
            if missing := subscription._missing_data():
                subscription._hold(missing)
                held |= subscription
        return held

    def _renew_isolated(self, batch):
        """Bill a batch; when one record makes it fail, halve it until that one is alone.

        :return: (number of periods billed, subscriptions held because they failed)
        """
        if not batch:
            return 0, batch
        try:
            with self.env.cr.savepoint():
                periods = batch._renew()
                self.env.flush_all()
                return len(periods), batch.browse()
        except psycopg2.OperationalError:
            raise  # a conflict or a lost server is no fault of the batch
        except Exception as error:
            if len(batch) == 1:
                _logger.warning("Renewal of %s failed", batch.name, exc_info=True)
                batch._hold(str(error))
                return 0, batch
        half = len(batch) // 2
        billed, failed = self._renew_isolated(batch[:half])
        more_billed, more_failed = self._renew_isolated(batch[half:])
        return billed + more_billed, failed | more_failed

    def _resume_paused(self, limit=BATCH_SIZE):
        """Resume the pauses that end today, each where its customer lives.

        One that cannot be billed is held; one that staff resume at this moment is left to them.
        """
        paused = self.env["subscription.subscription"].search(
            [("state", "=", "paused"), ("is_held", "=", False), ("resume_date", "!=", False),
             ("resume_date", "<=", fields.Date.add(fields.Date.today(), days=1))], limit=limit)
        try:
            for subscription in paused.try_lock_for_update(allow_referencing=True):
                if subscription.resume_date <= subscription._today():
                    self._resume_isolated(subscription)
            self.env["ir.cron"]._commit_progress()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.cr.rollback()

    def _resume_isolated(self, subscription):
        try:
            with self.env.cr.savepoint():
                subscription._resume()
                self.env.flush_all()
        except psycopg2.OperationalError:
            raise  # a conflict or a lost server is no fault of the subscription
        except Exception as error:
            _logger.warning("Resuming of %s failed", subscription.name, exc_info=True)
            subscription._hold(str(error))
