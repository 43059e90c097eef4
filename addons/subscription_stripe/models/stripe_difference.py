import calendar
import logging
from datetime import timedelta

from markupsafe import escape

from odoo import api, fields, models

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_stripe import const as stripe_const

from ..exceptions import StripeRefused

_logger = logging.getLogger(__name__)

KINDS = [
    ("unknown_here", "Paid at Stripe, unknown here"),
    ("unpaid_here", "Paid at Stripe, not here"),
    ("unpaid_there", "Paid here, not at Stripe"),
    ("amount", "Amounts differ"),
    ("refund_here", "Refunded at Stripe, not here"),
    ("refund_there", "Refunded here, not at Stripe"),
    ("movement", "On Stripe's balance, not on the books"),
    ("failed", "The comparison failed"),
]
STATES = [("open", "Open"), ("settled", "Settled"), ("accepted", "Accepted")]
LOOK_BACK = timedelta(days=2)
IN_FLIGHT = timedelta(minutes=30)  # what is younger may still be on its way


class StripeDifference(models.Model):
    """A payment or refund on which Stripe's list and ours differ."""

    _name = "stripe.difference"
    _description = "Difference with Stripe"
    _engine_only = True
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _rec_name = "object_ref"

    provider_id = fields.Many2one(
        "payment.provider", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    kind = fields.Selection(KINDS, string="Difference", required=True, readonly=True)
    object_ref = fields.Char(string="Object", required=True, readonly=True)
    reference = fields.Char(readonly=True)
    transaction_id = fields.Many2one("payment.transaction", readonly=True, ondelete="cascade")
    amount_there = fields.Monetary(string="At Stripe", readonly=True)
    amount_here = fields.Monetary(string="Here", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    state = fields.Selection(STATES, required=True, readonly=True, default="open")

    _once = models.Constraint(
        "UNIQUE(provider_id, object_ref, kind)", "This difference is already reported.")

    # Comparing ------------------------------------------------------------------------------------

    @api.model
    def _cron_compare(self):
        """Compare the payments and refunds of the last two days, there and here; each night."""
        end = fields.Datetime.now() - IN_FLIGHT
        providers = self.env["payment.provider"].search(
            [("code", "=", "stripe"), ("state", "!=", "disabled")])
        for provider in providers:
            try:
                self._compare(provider, end - LOOK_BACK, end)
            except Exception as error:
                self.env.cr.rollback()
                _logger.exception("Comparison with Stripe failed for %s", provider.name)
                self._report_failure(provider, str(error) or type(error).__name__)
            self.env["ir.cron"]._commit_progress(1)

    def _report_failure(self, provider, error):
        """Tell staff once that nothing was compared, until a night it succeeds."""
        known = self.search([("provider_id", "=", provider.id), ("kind", "=", "failed")])
        if known.state == "open":
            known.reference = error[:200]
            return
        vals = {"state": "open", "reference": error[:200]}
        known.write(vals)
        known = known or self.create({
            **vals, "provider_id": provider.id, "company_id": provider.company_id.id,
            "kind": "failed", "object_ref": provider.name})
        known._tell_staff()

    @api.model
    def _compare(self, provider, start, end):
        """Report what differs between `start` and `end` (UTC), and settle what agrees again.

        :return: the differences that are open now
        """
        found = [*self._compare_payments(provider, start, end),
                 *self._compare_refunds(provider, start, end)]
        known = self.search([("provider_id", "=", provider.id)]).grouped(
            lambda each: (each.object_ref, each.kind))
        new = self.create([
            {**vals, "provider_id": provider.id, "company_id": provider.company_id.id}
            for vals in found if (vals["object_ref"], vals["kind"]) not in known])
        self._settle(provider, found, new)
        new._tell_staff()
        return self.search([("provider_id", "=", provider.id), ("state", "=", "open")])

    def _settle(self, provider, found, new):
        """Settle open differences that were not found any more; older ones are looked up."""
        still = {(vals["object_ref"], vals["kind"]) for vals in found}
        for each in self.search([("provider_id", "=", provider.id), ("state", "=", "open")]) - new:
            if (each.object_ref, each.kind) not in still and each._agrees():
                each.state = "settled"
                each.activity_ids.action_done()

    def _agrees(self):
        """Tell whether Stripe and Odoo agree by now."""
        self.ensure_one()
        if self.kind == "failed":
            return True  # it has just succeeded
        if self.kind == "movement":
            return not self._movement().difference
        transaction = self.env["payment.transaction"].search(
            [("provider_id", "=", self.provider_id.id),
             ("provider_reference", "=", self.object_ref)], limit=1)
        theirs = self._fetch_object(self.provider_id, self.object_ref)
        paid_there = bool(theirs) and theirs["status"] == "succeeded"
        return paid_there == (transaction.state == "done") and (
            not paid_there or theirs["amount"] == transaction._stripe_minor_amount())

    def _compare_payments(self, provider, start, end):
        listed = [intent for intent in self._list_created(provider, "payment_intents", start, end)
                  if self._is_of_this_database(intent)]
        elsewhere = self._paid_elsewhere(provider, listed)
        intents = {intent["id"]: intent for intent in listed
                   if _reference_of(intent) not in elsewhere}
        ours = self._find_transactions(
            provider, [("operation", "not in", ("refund", "validation"))], intents.values(),
            start, end)
        by_reference = ours.grouped("reference")
        by_object = ours.grouped("provider_reference")
        for intent in intents.values():
            transaction = by_object.get(intent["id"]) or by_reference.get(
                _reference_of(intent), ours.browse())
            if intent["status"] == "succeeded":
                yield from self._compare_with(intent, transaction, "unknown_here", "unpaid_here")
        yield from self._missing_at_stripe(
            provider, ours.filtered(lambda each: each.provider_reference not in intents),
            "unpaid_there")

    def _compare_refunds(self, provider, start, end):
        refunds = {refund["id"]: refund for refund in self._list_created(
            provider, "refunds", start, end) if self._is_of_this_database(refund)}
        ours = self._find_transactions(
            provider, [("operation", "=", "refund")], refunds.values(), start, end)
        by_object = ours.grouped("provider_reference")
        sources = self.env["payment.transaction"].search([
            ("provider_id", "=", provider.id), ("operation", "!=", "refund"),
            ("provider_reference", "in", [each["payment_intent"] for each in refunds.values()]),
        ]).grouped("provider_reference")
        for refund in refunds.values():
            recorded = by_object.get(refund["id"], ours.browse())
            source = sources.get(refund["payment_intent"])
            if refund["status"] != "succeeded" or not source:
                continue  # refunds of payments unknown here are those of an unknown payment
            if not recorded:
                yield {**self._prepare_difference_vals("refund_here", refund, source),
                       "amount_here": 0.0}
            yield from self._compare_with(refund, recorded, None, "refund_here")
        yield from self._missing_at_stripe(
            provider, ours.filtered(lambda each: each.provider_reference not in refunds),
            "refund_there")

    def _compare_with(self, theirs, transaction, unknown, undone):
        """Yield what differs about something that succeeded at Stripe."""
        if not transaction:
            if unknown:
                yield self._prepare_difference_vals(unknown, theirs, transaction)
        elif transaction.state != "done":
            yield self._prepare_difference_vals(undone, theirs, transaction)
        elif (theirs["amount"], theirs["currency"].upper()) != (
                transaction._stripe_minor_amount(), transaction.currency_id.name):
            yield self._prepare_difference_vals("amount", theirs, transaction)

    def _missing_at_stripe(self, provider, transactions, kind):
        """Yield what is done here and not at Stripe: what is not in the list of these days may
        have begun before them, so it is looked up."""
        for transaction in transactions.filtered(lambda each: each.state == "done"):
            theirs = self._fetch_object(provider, transaction.provider_reference)
            if not theirs or theirs["status"] != "succeeded":
                yield self._prepare_difference_vals(kind, theirs, transaction)

    def _prepare_difference_vals(self, kind, theirs, transaction):
        """Prepare the values of a difference."""
        currency = transaction.currency_id or self.env["res.currency"].search(
            [("name", "=", theirs["currency"].upper())], limit=1)
        there = theirs and theirs["status"] == "succeeded" and theirs["amount"]
        return {
            "kind": kind,
            "object_ref": theirs.get("id") or transaction.provider_reference
            or transaction.reference,
            "reference": transaction.reference or _reference_of(theirs),
            "transaction_id": transaction.id, "currency_id": currency.id,
            "amount_here": abs(transaction.amount) if transaction.state == "done" else 0.0,
            "amount_there": payment_utils.to_major_currency_units(
                there or 0, currency, arbitrary_decimal_number=
                stripe_const.CURRENCY_DECIMALS.get(currency.name)),
        }

    # Movements of the balance ---------------------------------------------------------------------

    def _movement(self):
        return self.env["stripe.balance.transaction"].search([
            ("provider_id", "=", self.provider_id.id), ("ref", "=", self.object_ref)])

    @api.model
    def _report_movements(self, rows):
        """Report movements of Stripe's balance that the books do not show, and settle those that
        they show by now.

        :param rows: ``stripe.balance.transaction`` records of one provider
        """
        known = self.search([("kind", "=", "movement"),
                             ("provider_id", "in", rows.provider_id.ids)])
        refs = set(known.mapped("object_ref"))
        new = self.create([{
            "provider_id": row.provider_id.id, "company_id": row.company_id.id,
            "kind": "movement", "object_ref": row.ref, "transaction_id": row.transaction_id.id,
            "reference": row.transaction_id.reference or row.description,
            "currency_id": row.currency_id.id, "amount_there": row.net,
            "amount_here": row.amount_here,
        } for row in rows.filtered("difference") if row.ref not in refs])
        for each in known.filtered(lambda each: each.state == "open" and each._agrees()):
            each.state = "settled"
            each.activity_ids.action_done()
        new._tell_staff()

    # Both lists -----------------------------------------------------------------------------------

    def _list_created(self, provider, endpoint, start, end):
        return provider._stripe_list(endpoint, **{
            "created[gte]": calendar.timegm(start.timetuple()),
            "created[lt]": calendar.timegm(end.timetuple())})

    def _find_transactions(self, provider, domain, theirs, start, end):
        return self.env["payment.transaction"].search([
            ("provider_id", "=", provider.id), *domain,
            "|", "|", ("provider_reference", "in", [each["id"] for each in theirs]),
            ("reference", "in", [_reference_of(each) for each in theirs]),
            "&", ("last_state_change", ">=", start), ("last_state_change", "<", end)])

    def _paid_elsewhere(self, provider, intents):
        """Find the references of payments that another company with the same account made."""
        return set(self.env["payment.transaction"].search([
            ("provider_id", "!=", provider.id),
            ("reference", "in", [_reference_of(intent) for intent in intents])
        ]).mapped("reference"))

    def _is_of_this_database(self, stripe_object):
        """Tell whether an object of Stripe was made by this database, or names none."""
        # sudo: the database's name for itself, no setting
        here = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        return (stripe_object.get("metadata") or {}).get("odoo_database", here) == here

    def _fetch_object(self, provider, object_ref):
        """Fetch a payment intent or refund as it is now.

        :return: dict; empty when Stripe does not know it
        """
        kind = "refunds" if (object_ref or "").startswith(("re_", "pyr_")) else "payment_intents"
        try:
            return provider._send_api_request("GET", f"{kind}/{object_ref}") if object_ref else {}
        except StripeRefused:
            return {}

    # Staff ----------------------------------------------------------------------------------------

    def _tell_staff(self):
        """Plan one activity a night, on the first of the new differences."""
        if not self:
            return
        user = self.env["stripe.health"]._find_accountant(self.company_id[:1])
        speaking = self.with_context(lang=user.lang)
        summary = speaking.env._("Differences with Stripe: %(count)s", count=len(self))
        if "failed" in self.mapped("kind"):
            summary = speaking.env._("The comparison with Stripe failed")
        self[0].activity_schedule(
            "mail.mail_activity_data_todo", user_id=user.id, summary=summary,
            note=escape((self[0].kind == "failed" and self[0].reference) or ""))

    def action_take_over(self):
        """Record and post the payment or refund that Stripe has and Odoo was not told of."""
        self.check_access("read")
        # sudo: staff who may see the difference may have it mended; payments are the system's
        for each in self.sudo().filtered(
                lambda each: each.transaction_id and each.kind in ("unpaid_here", "refund_here")):
            each._take_over()

    def _take_over(self):
        theirs = self._fetch_object(self.provider_id, self.object_ref)
        transaction = self.transaction_id
        transaction._stripe_lock()
        if self.kind == "unpaid_here":
            transaction._stripe_check_amount(theirs)
            transaction._stripe_apply_intent(theirs)
        else:
            source = transaction.source_transaction_id or transaction
            transaction = source._stripe_take_refund(theirs)
        if transaction.state == "done":
            transaction._post_process()
            self.state = "settled"
            self.activity_ids.action_done()

    def action_accept(self):
        """Accept differences whose reason staff know."""
        self.check_access("read")
        # sudo: rows are written by the comparison only; the right to see them was checked
        differences = self.sudo()
        differences.write({"state": "accepted"})
        differences.activity_ids.action_done()


def _reference_of(stripe_object):
    metadata = stripe_object.get("metadata") or {}
    return metadata.get("odoo_reference") or stripe_object.get("description")
