def post_init_hook(env):
    """Count the seats already taken before this addon was there."""
    env["event.event"]._count_seats_again()
