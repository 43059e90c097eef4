from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Give the default reminders to trainings made before reminders existed."""
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    trainings = env["event.type"].search(
        [("is_training", "=", True), ("reminder_rule_ids", "=", False)])
    for training in trainings:
        training.reminder_rule_ids = training._default_reminder_rule_ids()
