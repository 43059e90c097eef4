"""Changes that an addon makes to Odoo's settings, and reverts when it is uninstalled."""

import logging

from markupsafe import escape

_logger = logging.getLogger(__name__)


def switch_on(env, key, module):
    """Set a parameter of Odoo's to True for an addon, unless somebody chose otherwise.

    Odoo's default is replaced; a value that somebody chose is kept. An external identifier of the
    addon marks the value as ours. Odoo removes it with the addon, together with a parameter that
    did not exist before.

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
    """Restore Odoo's default where :func:`switch_on` replaced it, unless it was changed since.

    The dates are reset to say that nobody chose the value, so that a new installation may replace
    it again.
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
    """Delete the parameters that are named after an addon, whoever created them."""
    env["ir.config_parameter"].search([("key", "=like", f"{module}.%")]).unlink()


def withdraw_products(products):
    """Take products off the shop, because the addon that delivers them is being uninstalled.

    It serves as the ``ondelete`` of their ``service_tracking``. The log lists the products, and so
    do the activities of the administrator; orders and invoices keep them.
    """
    if products:
        _logger.info("Unpublished, for nothing delivers them any more: %s",
                     ", ".join(products.mapped("display_name")))
    products.write({"service_tracking": "no", "is_published": False})
    try:
        with products.env.cr.savepoint():
            _list_withdrawn(products)
            products.env.flush_all()
    except Exception:  # the addon goes all the same, and the log has the list
        _logger.exception("The administrator could not be told of withdrawn products")


def _list_withdrawn(products):
    """Plan an activity on each product that nothing delivers any more, for the administrator."""
    user = products.env.ref("base.user_admin")
    speaking = products.with_context(lang=user.lang, mail_activity_quick_update=True)
    for product in speaking.filtered("active"):
        product.activity_schedule(
            "mail.mail_activity_data_todo", user_id=user.id,
            summary=speaking.env._("Nothing delivers “%(product)s” any more", product=product.name),
            note=escape(speaking.env._(
                "What delivered it was uninstalled, and it was taken off the shop. Archive it, or "
                "say on the product what is done for whoever orders it.")))
