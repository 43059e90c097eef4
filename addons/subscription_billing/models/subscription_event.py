from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

KINDS = [
    ("plan", "Start planned"),
    ("start", "Started"),
    ("trial", "Trial started"),
    ("convert", "Trial became a subscription"),
    ("renew", "Renewed"),
    ("change", "Changed"),
    ("take_back", "Change taken back"),
    ("schedule", "Change planned"),
    ("unschedule", "Change given up"),
    ("price", "Price changed"),
    ("past_due", "Unpaid"),
    ("recover", "Paid again"),
    ("suspend", "Suspended"),
    ("pause", "Paused"),
    ("resume", "Resumed"),
    ("cancel", "Cancelled"),
    ("keep", "Cancellation withdrawn"),
    ("end", "Ended"),
    ("hold", "Held"),
    ("release", "Released"),
    ("payment", "Payment received"),
    ("payment_failed", "Payment failed"),
    ("wait", "Dunning put off"),
    ("write_off", "Written off"),
    ("card_expiry", "Told that the card expires"),
]


class SubscriptionEvent(models.Model):
    """What happened to a subscription, when, by whom, and what it did to recurring revenue."""

    _name = "subscription.event"
    _description = "Event of a Subscription"
    _engine_only = True
    _order = "id desc"

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True, index=True,
        ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    kind = fields.Selection(KINDS, required=True, readonly=True)
    date = fields.Datetime(
        required=True, readonly=True, default=lambda self: fields.Datetime.now())
    user_id = fields.Many2one(
        "res.users", string="Author", readonly=True, default=lambda self: self.env.uid)
    from_state = fields.Char(readonly=True)
    to_state = fields.Char(readonly=True)
    mrr_change = fields.Monetary(
        string="MRR movement", readonly=True,
        help="Change of the monthly recurring revenue, in the subscription's currency.")
    note = fields.Char(readonly=True)
    reason = fields.Char(compute="_compute_reason", help="The note, in words.")

    @api.depends("kind")
    @api.depends_context("lang")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for event in self:
            event.display_name = kinds.get(event.kind, "")

    @api.depends("kind", "note")
    @api.depends_context("lang")
    def _compute_reason(self):
        """Write in words why a subscription has ended; other notes are words already."""
        reasons = {
            "term": self.env._("At its end date"),
            "trial": self.env._("At the end of the trial"),
            "cancel": self.env._("At once, by choice"),
            "unpaid": self.env._("Unpaid"),
            "written off": self.env._("Written off"),
        }
        for event in self:
            ended = event.kind == "end"
            event.reason = ended and reasons.get(event.note) or event.note

    def init(self):
        """Make the table append-only by a trigger."""
        self.env.cr.execute("""
            CREATE OR REPLACE FUNCTION subscription_event_is_append_only() RETURNS trigger AS $$
            BEGIN
                RAISE EXCEPTION 'Events of subscriptions are append-only.'
                    USING ERRCODE = 'restrict_violation';
            END $$ LANGUAGE plpgsql""")
        self.env.cr.execute(SQL(
            "CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s FOR EACH ROW "
            "EXECUTE FUNCTION subscription_event_is_append_only()", SQL.identifier(self._table)))

    def write(self, vals):
        """Refuse: the history of a subscription is append-only."""
        if self:
            raise UserError(self.env._("The history of a subscription cannot be rewritten."))
        return super().write(vals)
