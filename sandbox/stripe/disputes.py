"""Disputes (https://docs.stripe.com/disputes/how-disputes-work)."""

import time

from . import balance
from .errors import invalid
from .objects import merged_metadata, page
from .routes import route

ANSWERABLE = ("needs_response", "warning_needs_response")
# These hold the id of a file, the others a text (https://docs.stripe.com/api/disputes/evidence_object).
FILES = {
    "cancellation_policy", "customer_communication", "customer_signature",
    "duplicate_charge_documentation", "receipt", "refund_policy", "service_documentation",
    "shipping_documentation", "uncategorized_file"}
# Visa's (https://docs.stripe.com/disputes/categories).
NETWORK_CODES = {
    "fraudulent": "10.4", "duplicate": "12.6.1", "product_not_received": "13.1",
    "subscription_canceled": "13.2", "product_unacceptable": "13.3",
    "credit_not_processed": "13.6"}
# https://docs.stripe.com/testing#evidence
TEST_EVIDENCE = {"winning_evidence": "won", "losing_evidence": "lost"}


def begin(account, charge, reason="fraudulent", amount=None, days=7, inquiry=False):
    """Begin a dispute: the bank takes the money back at once, and its fee; or it only asks first.

    :param bool inquiry: no money moves yet
    """
    amount = amount or charge["amount"] - charge["amount_refunded"]
    dispute = account.new(
        "dispute", amount=amount, charge=charge["id"], currency=charge["currency"],
        payment_intent=charge["payment_intent"], reason=reason,
        status="warning_needs_response" if inquiry else "needs_response",
        is_charge_refundable=inquiry)
    dispute["evidence_details"].update(due_by=int(time.time()) + days * 86400)
    dispute["payment_method_details"]["card"].update(
        case_type="inquiry" if inquiry else "chargeback",
        network_reason_code=NETWORK_CODES.get(reason))
    charge["disputed"] = not inquiry
    account.emit("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(account, dispute)
    return dispute


def escalate(account, dispute):
    """Take the money, because the bank was not content with the answer to its question."""
    dispute.update(status="needs_response", is_charge_refundable=False)
    account.get("charge", dispute["charge"])["disputed"] = True
    account.emit("charge.dispute.updated", dispute)
    _withdraw(account, dispute)
    return dispute


def _withdraw(account, dispute):
    _move(account, dispute, -dispute["amount"], account.prices["dispute"], "dispute")
    account.emit("charge.dispute.funds_withdrawn", dispute)


def close(account, dispute, status, fee_back=False):
    """Close the dispute as the bank decides: ``won`` brings the money back.

    :param bool fee_back: whether the fee comes back as well, as some contracts say
    """
    if dispute["status"] in ("won", "lost", "warning_closed"):
        raise invalid(f"Dispute {dispute['id']} is already closed.", "dispute_already_closed")
    dispute["status"] = status
    if status == "won":
        fee = -account.prices["dispute"] if fee_back else 0
        _move(account, dispute, dispute["amount"], fee, "dispute_reversal")
        account.emit("charge.dispute.funds_reinstated", dispute)
    account.emit("charge.dispute.closed", dispute)
    return dispute


def _move(account, dispute, amount, fee, category):
    transaction = balance.move(
        account, dispute, "adjustment", amount, fee, category,
        f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {dispute['charge']}")
    dispute["balance_transactions"] = [*dispute["balance_transactions"], transaction]


@route("GET", "/v1/disputes", "dispute_list")
def index(account, params):
    """List disputes."""
    found = account.all(
        "dispute", charge=params.get("charge"), payment_intent=params.get("payment_intent"))
    return page(found, params, "/v1/disputes")


@route("GET", "/v1/disputes/{id}", "dispute_retrieve")
def retrieve(account, params, id):
    """Return a dispute."""
    return account.get("dispute", id)


@route("POST", "/v1/disputes/{id}", "dispute_update")
def update(account, params, id):
    """Keep evidence, and send it to the bank at once unless ``submit`` is false."""
    dispute = account.get("dispute", id)
    if dispute["status"] not in ANSWERABLE and params.get("evidence"):
        raise invalid(
            "This dispute is not in a state where evidence may be submitted.",
            "dispute_unexpected_state")
    if "metadata" in params:
        dispute["metadata"] = merged_metadata(dispute, params["metadata"])
    evidence = params.get("evidence") or {}
    for name in FILES & {name for name, value in evidence.items() if value}:
        account.get("file", evidence[name], f"evidence[{name}]")
    dispute["evidence"].update({name: value or None for name, value in evidence.items()})
    details = dispute["evidence_details"]
    details["has_evidence"] = details["has_evidence"] or bool(evidence)
    if evidence and params.get("submit", True):
        details["submission_count"] += 1
        dispute["status"] = "under_review"
    account.emit("charge.dispute.updated", dispute)
    verdict = TEST_EVIDENCE.get(evidence.get("uncategorized_text"))
    if verdict and dispute["status"] == "under_review":
        close(account, dispute, verdict)
    return dispute


@route("POST", "/v1/disputes/{id}/close", "dispute_close")
def give_up(account, params, id):
    """Accept the loss as the merchant."""
    dispute = account.get("dispute", id)
    if dispute["status"] not in ANSWERABLE:
        raise invalid("This dispute is already closed.", "dispute_already_closed")
    return close(account, dispute, "lost")
