from contextlib import contextmanager

import psycopg2

from odoo.fields import Command
from odoo.tools import mute_logger

from odoo.addons.subscription_billing.tests.common import SubscriptionCommon


class QuotaCommon(SubscriptionCommon):
    """Starter and Pro with limits of scans (a period), accounts (held) and access to the API."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scans, cls.accounts, cls.api_access = cls.env["quota.metric"].create([
            {"name": "Scans", "code": "scans", "kind": "period", "unit": "scans"},
            {"name": "Accounts", "code": "accounts", "kind": "held", "unit": "accounts"},
            {"name": "API access", "code": "api_access", "kind": "feature"}])
        cls.limit(cls.starter, cls.scans, 100)
        cls.limit(cls.starter, cls.accounts, 3)
        cls.limit(cls.pro, cls.scans, 1000)
        cls.limit(cls.pro, cls.accounts, 10)
        cls.limit(cls.pro, cls.api_access, 1)

    @classmethod
    def limit(cls, plan, metric, units, **vals):
        """Set what a plan includes of a metric."""
        plan.quota_limit_ids.filtered(lambda limit: limit.metric_id == metric).unlink()
        plan.quota_limit_ids = [Command.create(
            {"metric_id": metric.id, "limit_value": units, **vals})]

    @classmethod
    def active(cls, plan, start, **vals):
        """Make a subscription in the middle of its life, without its invoices."""
        subscription = cls.draft(plan, start, **vals)
        subscription.write({"state": "active", "next_date": start})
        return subscription

    @classmethod
    def make_key(cls, **vals):
        """Make a key; return it and its token."""
        key = cls.env["quota.api.key"].create({"name": "Scanner", **vals})
        return key, key.action_generate()["context"]["default_token"]

    @contextmanager
    def refused_by_database(self):
        """Check that the database itself refuses the block, whoever asks for it."""
        with self.assertRaises(psycopg2.IntegrityError), mute_logger("odoo.sql_db"), \
                self.env.cr.savepoint():
            yield

    def used(self, subscription, code="scans"):
        return next((row["used"] for row in subscription._quota_rows([code])), None)
