from .models.res_company_services import VIES_COMPANIES


def post_init_hook(env):
    """Have VIES asked about the customers of the French companies that are there already."""
    env["res.company"].search([("chart_template", "=", "fr")])._legal_switch_vies_on()


def uninstall_hook(env):
    """Ask VIES no more where this addon had it asked: Odoo by itself waits long for it."""
    parameter = env["ir.config_parameter"].search([("key", "=", VIES_COMPANIES)])
    ids = [int(number) for number in (parameter.value or "").split(",") if number]
    env["res.company"].browse(ids).exists().vat_check_vies = False
    parameter.unlink()
