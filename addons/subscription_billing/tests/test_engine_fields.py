from odoo.tests import TransactionCase, tagged

from odoo.addons.concurrency_base.tests.common_engine import EngineFieldsCommon


@tagged("post_install", "-at_install")
class TestEngineFields(EngineFieldsCommon, TransactionCase):
    """Who writes the fields of the addon that the engine does not keep for itself."""

    addon = "subscription_billing"
    by_hand = {
        "account.move": (
            "accountants",
            "outstanding_credit_use"),
        "dunning.policy": (
            "subscription managers",
            "active company_id name sequence"),
        "dunning.step": (
            "subscription managers",
            "days notify outcome policy_id remind retry"),
        "res.company": (
            "administrators",
            "subscription_loss_account_id"),
        "sale.order.line": (
            "sales staff, until the confirmation; a price of the plan, in the order's currency",
            "subscription_price_id"),
        "subscription.family": (
            "subscription managers",
            "name"),
        "subscription.plan": (
            "subscription managers",
            "cancel_policy commitment_months dunning_policy_id family_id payment_term_id "
            "product_tmpl_id reminder_days setup_product_id trial_days trial_needs_card "
            "upgrade_policy"),
        "subscription.plan.price": (
            "subscription managers",
            "active amount currency_id interval_count interval_unit plan_id sequence setup_fee"),
        "subscription.subscription": (
            "subscription users, of a running one only what its _BY_HAND names; prices and "
            "terms: managers; a means of payment of the customer",
            "anchor_date backlog_confirmed cancel_policy commitment_end commitment_months "
            "company_id discount end_date partner_id partner_invoice_id payment_term_id plan_id "
            "price_id quantity resume_date setup_fee token_id trial_days trial_needs_card tz "
            "unit_price user_id"),
    }
