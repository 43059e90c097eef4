from odoo.addons.concurrency_base.tools import remove_parameters


def uninstall_hook(env):
    """Let no address of a test server wait for the next installation."""
    remove_parameters(env, "subscription_stripe")
