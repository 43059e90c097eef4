def post_init_hook(env):
    """Count the seats that were taken before this addon was installed."""
    env["event.event"]._count_seats_again()


def uninstall_hook(env):
    """Unpublish trainings: without their price, anybody could register for free."""
    env["event.event"].search([("is_training", "=", True)]).is_published = False
