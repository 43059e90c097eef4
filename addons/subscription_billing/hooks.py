def uninstall_hook(env):
    """Leave nothing in the database that Odoo does not know of: it drops the tables itself."""
    env.cr.execute("DROP FUNCTION subscription_event_is_append_only CASCADE")  # and its trigger
