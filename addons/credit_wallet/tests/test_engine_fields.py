from odoo.tests import TransactionCase, tagged

from odoo.addons.concurrency_base.tests.common_engine import EngineFieldsCommon


@tagged("post_install", "-at_install")
class TestEngineFields(EngineFieldsCommon, TransactionCase):
    """Who writes the fields of the addon that the engine does not keep for itself."""

    addon = "credit_wallet"
    by_hand = {
        "credit.wallet": (
            "credit managers; contacts of the wallet's owner only",
            "manager_ids spender_ids"),
        "product.template": (
            "who keeps the products",
            "credit_count credit_validity_months"),
        "res.company": (
            "administrators",
            "credit_adjustment_account_id credit_breakage_account_id credit_deferred_account_id "
            "credit_giveback_account_id credit_low_balance credit_pending_account_id "
            "credit_return_days credit_return_expiry credit_tz credit_voucher_kind"),
    }
