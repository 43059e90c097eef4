from odoo.tests import TransactionCase, tagged

from odoo.addons.concurrency_base.tests.common_engine import EngineFieldsCommon


@tagged("post_install", "-at_install")
class TestEngineFields(EngineFieldsCommon, TransactionCase):
    """Who writes the fields of the addon that the engine does not keep for itself."""

    addon = "session_booking"
    by_hand = {
        "event.event": (
            "who plans sessions",
            "cancel_hours credit_price decision_days min_attendees no_show_policy trainer_id"),
        "event.registration": (
            "the desk, for seats that no credits pay",
            "outside_reason paid_outside"),
        "event.type": (
            "who keeps trainings",
            "cancel_hours credit_price decision_days is_training min_attendees no_show_policy "
            "programme_file programme_filename trainer_id training_audience training_hours "
            "training_objectives training_product_id waiting_hours"),
        "res.company": (
            "administrators",
            "training_declaration waiting_hours"),
        "session.attendance": (
            "the desk, who is there",
            "state"),
        "session.reminder.rule": (
            "who keeps trainings",
            "count event_type_id unit"),
        "session.waiting": (
            "the desk, when it puts somebody in line; a full session, a person without a seat",
            "event_id partner_id"),
    }
