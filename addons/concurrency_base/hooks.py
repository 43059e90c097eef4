"""Mails after the effect.

Odoo makes the PDF and the mail of an order before it goes on with the payment, unless the
parameter ``sale.async_emails`` is set: a customer then waits for paper before their credits or
seats are there.
"""

ASYNC_EMAILS = "sale.async_emails"
XML_ID = "concurrency_base.async_emails"


def post_init_hook(env):
    """Send the mails of orders after a payment's effect, not before it.

    Odoo's default gives way, a choice that was made stays. The external identifier remembers
    that the value is ours; Odoo removes it with this addon.
    """
    parameters = env["ir.config_parameter"]
    known = parameters.search([("key", "=", ASYNC_EMAILS)])
    if known and (known.value == "True" or known.write_date != known.create_date):
        return
    parameters.set_param(ASYNC_EMAILS, "True")
    env["ir.model.data"]._update_xmlids([{
        "xml_id": XML_ID, "noupdate": True,
        "record": known or parameters.search([("key", "=", ASYNC_EMAILS)])}])


def uninstall_hook(env):
    """Put Odoo's default back where :func:`post_init_hook` replaced it, unless changed since.

    The dates say again that nobody chose it, so that a new installation may replace it too.
    """
    parameter = env.ref(XML_ID, raise_if_not_found=False)
    if parameter and parameter.value == "True":
        parameter.value = "False"
        parameter.flush_recordset()
        env.cr.execute(
            "UPDATE ir_config_parameter SET write_date = create_date WHERE id = %s",
            [parameter.id])
        parameter.invalidate_recordset()
