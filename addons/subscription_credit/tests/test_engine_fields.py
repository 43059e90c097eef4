from odoo.tests import TransactionCase, tagged

from odoo.addons.concurrency_base.tests.common_engine import EngineFieldsCommon


@tagged("post_install", "-at_install")
class TestEngineFields(EngineFieldsCommon, TransactionCase):
    """Who writes the fields of the addon that the engine does not keep for itself."""

    addon = "subscription_credit"
    by_hand = {
        "subscription.plan": (
            "subscription managers",
            "credit_grant_on credit_rollover credit_share trial_credits"),
        "subscription.plan.price": (
            "subscription managers",
            "granted_credits"),
        "subscription.subscription": (
            "subscription managers, as the price",
            "credit_rollover credit_validity_months granted_credits trial_credits"),
    }
