from odoo.tests import TransactionCase, tagged

from odoo.addons.concurrency_base.tests.common_engine import EngineFieldsCommon


@tagged("post_install", "-at_install")
class TestEngineFields(EngineFieldsCommon, TransactionCase):
    """Who writes the fields of the addon that the engine does not keep for itself."""

    addon = "lms_link"
    by_hand = {
        "event.event": (
            "who plans sessions; hosts that the company allows",
            "lms_close_days lms_open_hours lms_session_code lms_url"),
        "event.type": (
            "who keeps trainings; hosts that the company allows",
            "lms_confirm_visit lms_redirect lms_url"),
        "res.company": (
            "administrators",
            "lms_allowed_hosts lms_jwt_secret"),
    }
