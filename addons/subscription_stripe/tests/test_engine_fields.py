from odoo.tests import TransactionCase, tagged

from odoo.addons.concurrency_base.tests.common_engine import EngineFieldsCommon


@tagged("post_install", "-at_install")
class TestEngineFields(EngineFieldsCommon, TransactionCase):
    """Who writes the fields of the addon that the engine does not keep for itself."""

    addon = "subscription_stripe"
    by_hand = {
        "payment.dispute.evidence": (
            "who answers disputes",
            "file file_name text"),
        "payment.provider": (
            "administrators",
            "stripe_former_secret stripe_former_secret_until stripe_is_account_booked"),
        "res.company": (
            "administrators",
            "dispute_lost_policy dispute_policy dispute_tell_customer stripe_dispute_account_id "
            "stripe_fee_account_id"),
        "stripe.statement": (
            "accountants",
            "currency_id month provider_id"),
        "stripe.statement.account": (
            "accountants",
            "account_id amount statement_id"),
    }
