from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Trainings made before reminders get the default ones."""
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    trainings = env["event.type"].search(
        [("is_training", "=", True), ("reminder_rule_ids", "=", False)])
    for training in trainings:
        training.reminder_rule_ids = training._default_reminder_rule_ids()
