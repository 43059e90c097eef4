"""Every public method of our models × role, called over RPC with somebody else's row, beside the
table of ``methods.toml``.
"""

import pytest

from .methods import Caller, MethodTable

ADDONS = "all"
PROCESSES = 0

# What methods need beside the ids: by "model.method".
ARGUMENTS = {}


@pytest.fixture(scope="module")
def table():
    return MethodTable("methods.toml")


@pytest.fixture(scope="module")
def found(world):
    return Caller(world, ARGUMENTS).outcomes()


def test_methods_agree_with_the_table(found, table):
    table.check(found)


def test_a_new_door_is_told_negative_control(world, table):
    """A method that gives away what is another's fails until somebody says why it may."""
    from odoo.addons.credit_wallet.models.credit_wallet import CreditWallet

    CreditWallet.give_away = lambda wallets: wallets.sudo().mapped("balance")
    try:
        found = Caller(world, ARGUMENTS).outcomes(["stranger"])
    finally:
        del CreditWallet.give_away
    assert found["credit.wallet", "give_away"] == {"stranger": "answers"}
    assert "credit.wallet.give_away: is not in methods.toml" in table.compare(found)[0]
    table.sections["credit.wallet"]["give_away"] = {"answers": "stranger"}
    said = table.compare(found)[0]
    assert [line for line in said if "give_away" in line] == [
        "credit.wallet.give_away: stranger may call it, and the table does not say why that is "
        "harmless"]
    del table.sections["credit.wallet"]["give_away"]
