from odoo.addons.concurrency_base.tools import switch_back, switch_on

AUTOMATIC_INVOICE = "sale.automatic_invoice"


def post_init_hook(env):
    """Prepare a fresh installation for sales: accounts, and an invoice for every purchase."""
    env["res.company"].search([])._credit_create_accounts()
    switch_on(env, AUTOMATIC_INVOICE, "credit_wallet")


def uninstall_hook(env):
    """Remove from the database what Odoo does not know of; Odoo drops the tables itself."""
    switch_back(env, AUTOMATIC_INVOICE, "credit_wallet")
    env.cr.execute("DROP FUNCTION credit_ledger_is_append_only CASCADE")  # and its triggers
