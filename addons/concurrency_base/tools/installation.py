"""What an addon changes of Odoo's when it is installed, and puts back when it is uninstalled."""

import logging

_logger = logging.getLogger(__name__)


def switch_on(env, key, module):
    """Set a parameter of Odoo's to True for an addon, unless somebody chose otherwise.

    Odoo's default gives way, a choice that was made stays. An external identifier of the addon
    remembers that the value is ours. Odoo removes it with the addon, and with it a parameter that
    was not there before.

    :param str key: of the parameter, such as ``sale.async_emails``
    :param str module: the addon that is being installed
    """
    parameters = env["ir.config_parameter"]
    known = parameters.search([("key", "=", key)])
    if known and (known.value == "True" or known.write_date != known.create_date):
        return
    parameters.set_param(key, "True")
    env["ir.model.data"]._update_xmlids([{
        "xml_id": _xml_id(key, module), "noupdate": True,
        "record": known or parameters.search([("key", "=", key)])}])


def switch_back(env, key, module):
    """Put Odoo's default back where :func:`switch_on` replaced it, unless changed since.

    The dates say again that nobody chose it, so that a new installation may replace it too.
    """
    parameter = env.ref(_xml_id(key, module), raise_if_not_found=False)
    if parameter and parameter.value == "True":
        parameter.value = "False"
        parameter.flush_recordset()
        env.cr.execute(
            "UPDATE ir_config_parameter SET write_date = create_date WHERE id = %s",
            [parameter.id])
        parameter.invalidate_recordset()


def _xml_id(key, module):
    return f"{module}.{key.replace('.', '_')}"


def remove_parameters(env, module):
    """Delete the parameters that are named after an addon, whoever typed them in."""
    env["ir.config_parameter"].search([("key", "=like", f"{module}.%")]).unlink()


def withdraw_products(products):
    """Take products off the shop: what was delivered for them goes with its addon.

    An ``ondelete`` of their ``service_tracking``. The log lists them; orders and invoices keep
    them.
    """
    if products:
        _logger.info("Unpublished, for nothing delivers them any more: %s",
                     ", ".join(products.mapped("display_name")))
    products.write({"service_tracking": "no", "is_published": False})
