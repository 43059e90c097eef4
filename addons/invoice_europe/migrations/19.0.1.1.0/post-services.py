from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Let what is exempt in France follow its place abroad, and complete Belgian companies."""
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["res.company"].search([
        "|", ("chart_template", "=", "fr"),
        ("chart_template", "=like", "be%")])._europe_create_taxes()
