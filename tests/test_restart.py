"""A server that is told to reload, or reaches its limits, answers again: within ten seconds on a
machine that does nothing else, and without anybody's help on a busy one."""

import contextlib
import os
import signal
import threading
import time

import pytest
import requests

from .house import CONTROLS, House

SECONDS = 90  # other tests run beside
SLOW, LARGE = 20, 6 * 2**30  # limits of the server; its pages are slower and larger
RELOAD = "Initiating server reload"


class LimitedHouse(House):

    def _command(self, *arguments):
        return [*super()._command(*arguments), f"--limit-time-real={SLOW}",
                f"--limit-memory-soft={LARGE}", "--limit-memory-hard=0"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = LimitedHouse("caps_test_restart", tmp_path_factory.mktemp("restart"),
                         control=CONTROLS / "limits", processes=1, crons=0)
    try:
        yield house.start()
    finally:
        house.stop()


def ask(house, path):
    """Ask for a page whose answer the reload may cut off."""
    def get():
        with contextlib.suppress(requests.RequestException):
            requests.get(f"{house.url}{path}", timeout=60)

    threading.Thread(target=get, daemon=True).start()


def hang_up(house):
    os.kill(house.processes[0].pid, signal.SIGHUP)


@pytest.mark.parametrize("limit", [
    pytest.param(hang_up, id="SIGHUP"),
    pytest.param(lambda house: ask(house, "/limits/sleep"), id="limit_time_real"),
    pytest.param(lambda house: ask(house, "/limits/grow"), id="limit_memory_soft")])
def test_comes_back(house, limit):
    before = house.log().count(RELOAD)
    limit(house)
    deadline = time.monotonic() + 90
    while house.log().count(RELOAD) == before:
        assert time.monotonic() < deadline, house.log()[-2000:]
        time.sleep(0.1)
    began = time.monotonic()
    time.sleep(0.5)  # what still answers is the server that leaves
    house._wait()
    assert time.monotonic() - began < SECONDS
    assert house.processes[0].poll() is None
