"""Mails after the effect.

Odoo makes the PDF and the mail of an order before it goes on with the payment, unless the
parameter ``sale.async_emails`` is set: a customer then waits for paper before their credits or
seats are there.
"""

from .tools import switch_back, switch_on

ASYNC_EMAILS = "sale.async_emails"


def post_init_hook(env):
    """Send the mails of orders after a payment's effect, not before it."""
    switch_on(env, ASYNC_EMAILS, "concurrency_base")


def uninstall_hook(env):
    switch_back(env, ASYNC_EMAILS, "concurrency_base")
