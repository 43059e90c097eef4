from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

KEEP_DAYS = 400  # a year and a month to compare with; the totals of days stay
BATCH = 100_000


class QuotaUsage(models.Model):
    """One movement of a counter, appended by the engine. Totals a day stand beside."""

    _name = "quota.usage"
    _description = "Quota Usage"
    _rec_name = "metric_id"
    _engine_only = True
    _order = "id desc"
    _log_access = False

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True, ondelete="restrict")
    metric_id = fields.Many2one("quota.metric", required=True, readonly=True, ondelete="restrict")
    api_key_id = fields.Many2one(
        "quota.api.key", string="API key", readonly=True, ondelete="restrict")
    quantity = fields.Integer(
        required=True, readonly=True, help="Below zero: units given back.")
    moment = fields.Datetime(string="At", required=True, readonly=True)
    day = fields.Date(required=True, readonly=True, help="Civil day where the customer lives.")

    _of_subscription = models.Index("(subscription_id, metric_id, id)")
    _by_age = models.Index("USING brin (moment)")

    def init(self):
        """Make the table append-only by a trigger."""
        self.env.cr.execute("""
            CREATE OR REPLACE FUNCTION quota_usage_is_append_only() RETURNS trigger AS $$
            BEGIN
                RAISE EXCEPTION 'The history of quotas is append-only.'
                    USING ERRCODE = 'restrict_violation';
            END $$ LANGUAGE plpgsql""")
        self.env.cr.execute(SQL(
            "CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE ON %s FOR EACH ROW "
            "EXECUTE FUNCTION quota_usage_is_append_only()", SQL.identifier(self._table)))

    @api.autovacuum
    def _gc_old(self):
        """Delete movements older than a year and a month; their totals a day stay."""
        self.env.cr.execute(SQL(
            "DELETE FROM quota_usage WHERE id IN (SELECT id FROM quota_usage WHERE moment < %s"
            " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)",
            fields.Datetime.now() - timedelta(days=KEEP_DAYS), BATCH))
        return self.env.cr.rowcount, self.env.cr.rowcount == BATCH
