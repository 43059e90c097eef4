"""Renewals by several processes at once, some of which die: each period is billed once.

The whole of it, 2,000 subscriptions and 20 kills: ``BILLING_RUN=2000 BILLING_KILLS=20 make test
ARGS=tests/test_billing_run.py``.
"""

import json
import os
import subprocess

import pytest

from ops import database, paths, postgres

COUNT = int(os.environ.get("BILLING_RUN", "160"))
KILLS = int(os.environ.get("BILLING_KILLS", "5"))
NAME = "caps_test_billing_run"


@pytest.fixture
def company():
    postgres.copy(paths.TEMPLATE, NAME)
    yield NAME
    postgres.drop(NAME)


def work(name, **options):
    """Prepare due subscriptions and renew them with processes of their own.

    :return: dict of killed and seconds
    """
    command = [
        str(paths.PYTHON), "-m", "tests.billing_workers", name, *database.odoo_options(),
        "--log-level=warn",
        *(f"--{key}={value}" for key, value in options.items())]
    done = subprocess.run(
        command, cwd=paths.ROOT, capture_output=True, text=True,
        env={**os.environ, **postgres.environment()})
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def numbers(name, sql):
    return [int(value) for value in postgres.query(sql, name).split("|")]


def check_billed_once(name, count):
    """Each due period has exactly one posted invoice; nothing is left over."""
    assert numbers(name, """
        SELECT count(*), count(DISTINCT subscription_id), count(DISTINCT invoice_id),
               count(*) FILTER (WHERE state = 'invoiced')
        FROM subscription_period""") == [count] * 4
    assert numbers(name, """
        SELECT count(*), count(DISTINCT move.name), count(DISTINCT line.subscription_period_id),
               count(*) FILTER (WHERE move.state = 'posted'), max(move.sequence_number)
        FROM account_move move JOIN account_move_line line ON line.move_id = move.id
        AND line.subscription_period_id IS NOT NULL""") == [count] * 5  # no number was skipped
    assert numbers(name, """
        SELECT count(*) FILTER (WHERE is_held),
               count(*) FILTER (WHERE next_run_at <= now() AT TIME ZONE 'UTC')
        FROM subscription_subscription""") == [0, 0]


def test_two_processes_at_once(company):
    """Two server processes at once: each period has exactly one posted invoice."""
    work(company, count=COUNT // 2, workers=2)
    check_billed_once(company, COUNT // 2)


def test_killed_again_and_again(company):
    """kill -9 in the middle of a run: the next one finishes the rest, nothing is doubled."""
    done = work(company, count=COUNT, workers=2, kills=KILLS)
    assert done["killed"] >= KILLS
    check_billed_once(company, COUNT)
