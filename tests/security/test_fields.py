"""Stored fields of ours × roles that write them, beside the table of ``fields.toml``; see
docs/security.md."""

from unittest.mock import patch

import pytest

from .rights import fields_of, shown_to
from .tables import FieldTable, ShownTable
from .world import CUSTOMERS

ADDONS = "all"


@pytest.fixture(scope="module")
def table():
    return FieldTable("fields.toml")


def test_fields_agree_with_the_table(world, table):
    table.check(*fields_of(world))


def test_shown_fields_agree_with_the_table(world):
    """What strangers and customers read of our fields, in rows that they may see."""
    ShownTable("shown.toml").check(*shown_to(world, ["anonymous", "stranger", *CUSTOMERS]))


def test_a_guard_that_is_off_is_told_negative_control(world, table):
    """Without the guard of the engine's fields a credit manager writes balances."""
    def said():
        known, allowed = fields_of(world, ["credit.wallet"], ["credit_manager"])
        return [line for line in table.compare(known, allowed)[0]
                if line.startswith("credit_manager ")]

    assert not said()
    with patch("odoo.addons.concurrency_base.models.base.Base._check_by_engine",
               lambda self, names: None):
        assert "credit_manager credit.wallet write balance: is allowed, table says refused" in \
            said()
