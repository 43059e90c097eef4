"""Negative controls: with the guards switched off the race tests fail, so they can see a race.

In one file, for one house with servers of its own; with fewer visitors than the races, for a
guard that is not there is missed by a few.
"""

import pytest

from tests.house import NO_GUARD, House
from tests.test_last_seat import REPETITIONS, last_seat_is_sold_once
from tests.test_wallet_races import BALANCE, additions_stay, ten_credits_are_ten_seats

ADDONS = ("session_booking",)
TABS = 24


@pytest.fixture(scope="module")
def unguarded_house(tmp_path_factory):
    """Start a house where bookings trust Odoo's count of seats, and wallets are read, added to and
    written back.
    """
    made = House("caps_test_unguarded", tmp_path_factory.mktemp("unguarded"), NO_GUARD, crons=0)
    yield made.start()
    made.stop()


def test_last_seat_negative_control(unguarded_house):
    """A session is oversold."""
    with pytest.raises(AssertionError, match="2 seats sold of 1"):
        last_seat_is_sold_once(unguarded_house, REPETITIONS)


def test_ten_credits_negative_control(unguarded_house):
    """Credits are spent twice."""
    with pytest.raises(AssertionError, match=rf"seats for {BALANCE} credits"):
        ten_credits_are_ten_seats(unguarded_house, TABS)


def test_added_credits_negative_control(unguarded_house):
    """Credits appear or vanish; where their number agrees by chance, the ledger does not."""
    with pytest.raises(AssertionError, match=r"credits and \d+ added, yet|not so: a wallet's"):
        additions_stay(unguarded_house, TABS)
