from odoo.tests import TransactionCase, tagged

from odoo.addons.concurrency_base.tests.common_engine import EngineFieldsCommon


@tagged("post_install", "-at_install")
class TestEngineFields(EngineFieldsCommon, TransactionCase):
    """Who writes the fields of the addon that the engine does not keep for itself."""

    addon = "subscription_quota"
    by_hand = {
        "product.template": (
            "who keeps the products",
            "quota_metric_id quota_units quota_validity_days"),
        "quota.api.key": (
            "subscription managers; the owner until the key is generated",
            "can_check can_consume can_history company_id is_service name partner_id"),
        "quota.metric": (
            "subscription managers",
            "active code description kind name sequence unit"),
        "quota.override": (
            "subscription users; a subscription or a customer, and its company",
            "company_id date_from date_to limit_value metric_id partner_id reason "
            "subscription_id unlimited"),
        "quota.plan.limit": (
            "subscription managers",
            "limit_value metric_id mode overage_price per_unit plan_id unlimited"),
        "sale.order.line": (
            "sales staff; a subscription of the order's customer and company",
            "quota_subscription_id"),
        "subscription.plan": (
            "subscription managers",
            "quota_grace_days quota_interval"),
    }
