from odoo.tests import TransactionCase, tagged

from odoo.addons.concurrency_base.tests.common_engine import EngineFieldsCommon


@tagged("post_install", "-at_install")
class TestEngineFields(EngineFieldsCommon, TransactionCase):
    """Who writes the fields of the addon that the engine does not keep for itself."""

    addon = "invoice_europe"
    by_hand = {
        "account.move.line": (
            "accountants, on drafts",
            "deferred_end_date deferred_start_date"),
        "res.company": (
            "administrators",
            "analytic_offer_plan_id deferral_account_id deferral_min_months oss_registered"),
    }
