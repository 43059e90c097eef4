from odoo import api, fields, models
from odoo.tools import SQL

BATCH = 50_000


class QuotaRequest(models.Model):
    """The stored answer to a request with an idempotency key, given again without counting again.

    Keys of API requests are kept 24 hours; keys given by code of this server, for good.
    """

    _name = "quota.request"
    _description = "Quota Request"
    _rec_name = "scope"
    _engine_only = True
    _log_access = False

    scope = fields.Char(required=True, readonly=True, help="Whose key: an API key's, or a "
                        "subscription's when code of this server gave it.")
    key = fields.Char(required=True, readonly=True)
    body_hash = fields.Char(required=True, readonly=True)
    answer = fields.Json(required=True, readonly=True)
    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True, index=True,
        ondelete="restrict")
    expires_at = fields.Datetime(readonly=True, index="btree_not_null")

    _once = models.Constraint("UNIQUE(scope, key)", "This request was already answered.")

    @api.autovacuum
    def _gc_expired(self):
        self.env.cr.execute(SQL(
            "DELETE FROM quota_request WHERE id IN (SELECT id FROM quota_request"
            " WHERE expires_at <= %s LIMIT %s FOR UPDATE SKIP LOCKED)",
            fields.Datetime.now(), BATCH))
        return self.env.cr.rowcount, self.env.cr.rowcount == BATCH
