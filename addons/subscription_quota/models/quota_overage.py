import json

from odoo import api, fields, models
from odoo.tools import SQL, format_date


class QuotaOverage(models.Model):
    """Units beyond a soft limit on the invoice of a renewal, or on one of their own.

    They are taken off the counter as the row is made, so they are billed once.
    """

    _name = "quota.overage"
    _description = "Units Billed beyond a Limit"
    _rec_name = "metric_id"
    _engine_only = True
    _order = "id"

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True, index=True,
        ondelete="restrict")
    company_id = fields.Many2one(related="subscription_id.company_id", store=True, precompute=True)
    counter_id = fields.Many2one(
        "quota.counter", required=True, readonly=True, ondelete="restrict")
    metric_id = fields.Many2one("quota.metric", required=True, readonly=True, ondelete="restrict")
    period_id = fields.Many2one(
        "subscription.period", string="Billed with", required=True, readonly=True, index=True,
        ondelete="restrict")
    quantity = fields.Integer(required=True, readonly=True)
    currency_id = fields.Many2one(
        "res.currency", required=True, readonly=True, ondelete="restrict",
        help="Of the plan whose limit was passed.")
    amount = fields.Float(
        required=True, readonly=True, digits=(16, 6),
        help="Of all the units, in the terms of the plan's price.")

    is_held = fields.Boolean(
        readonly=True, help="Held at the renewal; otherwise consumed, and taken off the counter.")

    _held_once = models.UniqueIndex(
        "(counter_id, period_id) WHERE is_held", "This period already bills what is held.")
    _positive = models.Constraint(
        "CHECK(quantity > 0 AND amount >= 0)", "Units beyond a limit are one at least.")

    @api.model
    def _collect(self, periods):
        """Put on these periods what was consumed beyond soft limits and is on no invoice yet.

        A renewal also bills what is held beyond them now; the last row of a subscription that has
        ended does not wait for the end of what is counted. A unit consumed at the last second is
        on the next invoice.

        The counters are locked: a request that is counting at this moment makes the run start
        again.
        """
        renewals = periods.filtered(lambda period: period.kind == "recurring")
        usage = periods.filtered(lambda period: period.kind == "usage")
        last = usage.filtered(lambda period: period.subscription_id.state == "ended")
        if not (renewals or usage):
            return
        periods.flush_recordset()
        self.env["subscription.subscription"].flush_model()
        if over := renewals + usage - last:
            self.env.cr.execute(self._query_consumed(over))
        if renewals:
            self.env.cr.execute(self._query_held(renewals))
        if last:
            self.env.cr.execute(self._query_consumed(last, last=True))
        self.env["quota.counter"].invalidate_model()
        periods.invalidate_recordset(["quota_overage_ids"])

    def _query_consumed(self, periods, last=False):
        """Query that takes off the counters what is on no invoice; of closed periods only, unless
        `last`.
        """
        return SQL(
            "WITH due AS ("
            " SELECT c.id, c.subscription_id, c.metric_id, p.id AS period_id, p.company_id,"
            "  (%(currencies)s::jsonb ->> p.plan_id::text)::integer AS currency_id,"
            "  c.overage - c.overage_billed AS units,"
            "  c.overage_amount - c.amount_billed AS amount"
            " FROM subscription_period p JOIN quota_counter c"
            "  ON c.subscription_id = p.subscription_id AND c.overage > c.overage_billed"
            "  AND (COALESCE(c.overage_due, c.period_end) <= p.date_start OR %(last)s)"
            " WHERE p.id IN %(periods)s ORDER BY c.id FOR NO KEY UPDATE OF c"
            "), taken AS ("
            " UPDATE quota_counter c SET overage_billed = overage, amount_billed = overage_amount,"
            "  overage_due = NULL FROM due WHERE c.id = due.id"
            ") INSERT INTO quota_overage (subscription_id, company_id, counter_id, metric_id,"
            " period_id, quantity, amount, currency_id, create_uid, create_date)"
            " SELECT subscription_id, company_id, id, metric_id, period_id, units, amount,"
            " currency_id, %(user)s, %(now)s FROM due",
            last=last, **self._query_values(periods))

    def _query_held(self, renewals):
        return SQL(
            "INSERT INTO quota_overage (subscription_id, company_id, counter_id, metric_id,"
            " period_id, is_held, quantity, amount, currency_id, create_uid, create_date)"
            " SELECT p.subscription_id, p.company_id, c.id, c.metric_id, p.id, TRUE,"
            " q.used - q.limit_value, (q.used - q.limit_value) * q.price,"
            " (%(currencies)s::jsonb ->> p.plan_id::text)::integer, %(user)s, %(now)s"
            " FROM subscription_period p JOIN quota_counter c"
            "  ON c.subscription_id = p.subscription_id AND c.period_start IS NULL AND c.used > 0"
            " JOIN quota_metric m ON m.id = c.metric_id"
            " JOIN LATERAL quota_state(p.subscription_id, %(now)s, ARRAY[m.code]) q"
            "  ON q.mode = 'soft' AND q.used > q.limit_value AND q.price > 0"
            " WHERE p.id IN %(periods)s ON CONFLICT (counter_id, period_id)"
            " WHERE is_held DO NOTHING",
            **self._query_values(renewals))

    def _query_values(self, renewals):
        # sudo: whoever bills, prices beyond limits are in the currency of their plan
        currencies = {plan.id: plan.currency_id.id for plan in renewals.sudo().plan_id}
        return {"periods": renewals._ids, "user": self.env.uid, "now": fields.Datetime.now(),
                "currencies": json.dumps(currencies)}

    def _prepare_invoice_line(self):
        """Prepare the invoice line that bills the units, at the customer's taxes."""
        self.ensure_one()
        period, subscription = self.period_id, self.subscription_id
        product = subscription._product(period.plan_id)
        taxes, mapped = subscription._product_taxes(product, period.fiscal_position_id)
        amount = self.currency_id._convert(
            self.amount, period.currency_id, self.company_id, period.date_start)
        return {
            "product_id": product.id,
            "name": self._line_label(),
            "quantity": 1,
            "price_unit": product._get_tax_included_unit_price_from_price(
                amount, product_taxes=taxes, product_taxes_after_fp=mapped),
            "tax_ids": [fields.Command.set(mapped.ids)],
        }

    def _line_label(self):
        subscription = self.subscription_id._in_customer_language()
        overage = self.with_env(subscription.env)
        counter = overage.counter_id
        if not counter.period_start:
            return subscription.env._(
                "%(quantity)s × %(metric)s beyond the limit", quantity=self.quantity,
                metric=overage.metric_id.name)
        last = min(fields.Date.subtract(counter.period_end, days=1), overage.period_id.date_start)
        return subscription.env._(
            "%(quantity)s × %(metric)s beyond the limit, %(first)s – %(last)s",
            quantity=self.quantity, metric=overage.metric_id.name,
            first=format_date(subscription.env, counter.period_start),
            last=format_date(subscription.env, last))
