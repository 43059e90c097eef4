def post_init_hook(env):
    """Count the seats already taken before this addon was there."""
    env["event.event"]._count_seats_again()


def uninstall_hook(env):
    """Take trainings off the website: without their price, anybody could register for free."""
    env["event.event"].search([("is_training", "=", True)]).is_published = False
