"""Renewals by several processes at once, some of which die: each period is billed once.

The whole of it, 2,000 subscriptions and 20 kills: ``BILLING_RUN=2000 BILLING_KILLS=20 make test
ARGS=tests/test_billing_run.py``.
"""

import contextlib
import json
import os
import subprocess
from datetime import date
from functools import partial

import psycopg2
import pytest
from dateutil.relativedelta import relativedelta

from ops import database, paths, postgres
from tests.house import at_once
from tests.test_desk_races import call

ADDONS = ("invoice_europe_subscription", "subscription_billing")
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
    """Check that each due period has exactly one posted invoice; nothing is left over."""
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


# Staff and the scheduled action at once -----------------------------------------------------------


def subscriptions(house, count, state):
    """Make subscriptions of new customers, whose next period starts today.

    :return: their ids
    """
    with house.env() as env:
        plan = env["subscription.plan"].search([("name", "=", "By hand and by cron")], limit=1) \
            or env["subscription.plan"].create({
                "name": "By hand and by cron",
                "price_ids": [(0, 0, {"interval_unit": "month", "amount": 100.0})]})
        customers = env["res.partner"].create([{
            "name": f"Customer {number}", "email": f"customer{number}@example.com",
            "street": "1 rue du Test", "zip": "69001", "city": "Lyon",
            "country_id": env.ref("base.fr").id} for number in range(count)])
        made = env["subscription.subscription"].create([{
            "partner_id": customer.id, "plan_id": plan.id, "price_id": plan.price_ids[0].id,
            "tz": "Europe/Paris"} for customer in customers])
        today = made[0]._today()
        made.write({"state": state, "anchor_date": today, "next_date": today,
                    "resume_date": today if state == "paused" else False})
        return made.ids


def run_cron(house):
    """Run the scheduled action in a process of its own; a conflict is for its next run."""
    with contextlib.suppress(psycopg2.errors.SerializationFailure), house.env() as env:
        env["subscription.run"]._cron_renew(limit=10)


def buttons(house, admin, model, method, ids):
    """Return calls that press the button of each record, on both servers."""
    return [partial(call, admin.twin(), model, method, [record_id], server=server)
            for record_id in ids for server in (0, 1)]


def check_answers(answers):
    """Check that whoever comes second is told so in words; nobody sees a failure."""
    names = {answer["error"]["data"]["name"].rsplit(".", 1)[-1]
             for answer in answers if answer and "error" in answer}
    assert names <= {"WrongState", "UserError"}, answers


def check_invoices(house, ids):
    """Check that each subscription has one period, and one posted invoice of the customer."""
    chosen = f"subscription_id IN ({','.join(map(str, ids))})"
    assert house.rows(f"""
        SELECT count(*), count(DISTINCT subscription_id), count(DISTINCT invoice_id)
        FROM subscription_period WHERE {chosen} AND state = 'invoiced'
        """) == [(len(ids),) * 3]
    assert house.rows(f"""
        SELECT count(*), count(DISTINCT move.partner_id), count(DISTINCT move.name)
        FROM account_move move JOIN subscription_subscription subscription
        ON subscription.partner_id = move.partner_id
        WHERE subscription.{chosen.replace("subscription_id", "id")} AND move.state = 'posted'
        """) == [(len(ids),) * 3]


def test_manual_and_cron_together(house):
    """Staff start, resume and renew by hand while the cron runs: each period is billed once."""
    admin = house.administrator()
    due, paused, drafts = (
        subscriptions(house, count, state)
        for count, state in ((30, "active"), (6, "paused"), (6, "draft")))
    cron = house.rows("SELECT res_id FROM ir_model_data WHERE name = 'ir_cron_renew'")[0][0]
    answers = at_once([
        *buttons(house, admin, "subscription.subscription", "action_start", drafts),
        *buttons(house, admin, "subscription.subscription", "action_resume", paused),
        *buttons(house, admin, "ir.cron", "method_direct_trigger", [cron]),
        partial(call, admin.twin(), "subscription.run", "action_run_now", []),
        *[partial(run_cron, house)] * 2])
    check_answers(answers)
    while house.rows("SELECT 1 FROM subscription_subscription WHERE next_run_at <= now() AT TIME "
                     f"ZONE 'UTC' AND id IN ({','.join(map(str, due + paused))})"):
        run_cron(house)
    check_invoices(house, due + paused + drafts)


def test_invoice_again_by_two(house):
    """A cancelled invoice allows a re-issue: one, whoever asks for it at the same moment."""
    admin = house.administrator()
    ids = subscriptions(house, 5, "active")
    with house.env() as env:
        periods = env["subscription.subscription"].browse(ids)._renew()
        periods.invoice_id.button_cancel()
        assert set(periods.mapped("state")) == {"to_invoice"}
        period_ids = periods.ids
    check_answers(at_once([
        *buttons(house, admin, "subscription.period", "action_invoice_again", period_ids),
        *[partial(run_cron, house)] * 2]))
    check_invoices(house, ids)


def defer(house):
    """Make an invoice of a year that began months ago.

    :return: ids of its shares whose months are over
    """
    with house.env() as env:
        start = date.today().replace(day=1) - relativedelta(months=4)
        move = env["account.move"].create({
            "move_type": "out_invoice", "invoice_date": start,
            "partner_id": env["res.partner"].create({"name": "Une année"}).id,
            "invoice_line_ids": [(0, 0, {
                "name": "Une année", "price_unit": 1200.0, "deferred_start_date": start,
                "deferred_end_date": start + relativedelta(years=1, days=-1)})]})
        move.action_post()
        over = move.revenue_deferral_ids.filtered(
            lambda share: share.month < date.today().replace(day=1))
        assert len(over) == 3
        return over.ids


def earn(house):
    """Run the scheduled action in a process of its own, which waits for nobody's rows."""
    with house.env() as env:
        env.cr.execute("SET LOCAL lock_timeout = '3s'")
        env["revenue.deferral"]._cron_earn()


def count_earned(house, ids):
    return house.rows(
        "SELECT COUNT(*) FROM revenue_deferral s JOIN account_move m ON m.id = s.earned_entry_id "
        f"WHERE m.state = 'posted' AND s.id IN ({','.join(map(str, ids))})")[0][0]


def test_months_are_earned_once(house):
    """Shares that another transaction holds are left to it; three workers at once post each
    month once: what waits is what the account of deferred revenue says."""
    ids = defer(house)
    with contextlib.closing(psycopg2.connect(dbname=house.name)) as other:
        other.cursor().execute(
            f"SELECT 1 FROM revenue_deferral WHERE id = {ids[0]} FOR UPDATE")
        earn(house)
        assert count_earned(house, ids) == 2
        other.rollback()
    ids += defer(house)
    at_once([partial(earn, house)] * 3)
    assert count_earned(house, ids) == 6
    with house.env() as env:
        assert env["revenue.deferral"]._violations() == []
