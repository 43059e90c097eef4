def post_init_hook(env):
    """Count the seats that were taken before this addon was installed."""
    env["event.event"]._count_seats_again()


def uninstall_hook(env):
    """Unpublish trainings: without their price, anybody could register for free.

    It is not asked whether seats are taken: who may have them goes with this addon.
    """
    # Reminders to decide would hold back the type of activity that goes with this addon.
    env["event.event"].search([("decision_told_on", "!=", False)])._close_decision()
    env["event.event"].flush_model()
    env.cr.execute("UPDATE event_event SET is_published = FALSE WHERE is_training")
    env["event.event"].invalidate_model(["is_published"])
