def post_init_hook(env):
    """French companies that are there already get their taxes of the European Union."""
    companies = env["res.company"].search([("chart_template", "=", "fr")])
    companies._europe_create_taxes()
    companies._europe_own_taxes().active = True  # archived if the addon was here, and used, before


def uninstall_hook(env):
    """Leave no tax of ours to choose from: what documents bear is archived, the rest deleted."""
    env["res.company"].search([])._europe_remove_taxes()
