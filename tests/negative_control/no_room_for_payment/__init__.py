"""Switches off what makes two attempts to pay one invoice follow each other: each tab's form takes
the money.
"""

from odoo.addons.subscription_billing.models.account_move import AccountMove


def _make_room_for_payment(self):
    """Nobody waits, and an attempt that is open stays so."""


AccountMove._make_room_for_payment = _make_room_for_payment
