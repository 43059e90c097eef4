"""What is left when the addon is uninstalled."""


def uninstall_hook(env):
    """Forget the bounds that were set: they are named after this addon."""
    env["ir.config_parameter"].search([("key", "=like", "auth_limit.%")]).unlink()
