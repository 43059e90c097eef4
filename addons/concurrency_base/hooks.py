"""Hooks that have the mails of orders sent after the effect of their payment.

Odoo makes the PDF and the mail of an order before it continues with the payment, unless the
parameter ``sale.async_emails`` is set. Customers then wait for these documents before they get
their credits or seats.
"""

from .tools import switch_back, switch_on

ASYNC_EMAILS = "sale.async_emails"


def post_init_hook(env):
    """Send the mails of orders after a payment's effect, not before it."""
    switch_on(env, ASYNC_EMAILS, "concurrency_base")


def uninstall_hook(env):
    """Restore Odoo's default for the mails of orders."""
    switch_back(env, ASYNC_EMAILS, "concurrency_base")
