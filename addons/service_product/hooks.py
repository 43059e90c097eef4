def post_init_hook(env):
    """Let the companies that are there already offer the taxes of services."""
    env["res.company"].search([])._service_activate_taxes()
