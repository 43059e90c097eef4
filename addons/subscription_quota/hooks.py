from odoo.addons.concurrency_base.tools import remove_parameters


def uninstall_hook(env):
    """Leave nothing in the database that Odoo does not know of: it drops the tables itself."""
    env["quota.engine"]._drop_functions()
    env.cr.execute("DROP FUNCTION quota_usage_is_append_only CASCADE")  # and its trigger
    remove_parameters(env, "subscription_quota")
