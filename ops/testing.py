"""Every test through one door, and one line at the end: ``N passed, N failed``.

Tests of ``addons/*/tests`` run in Odoo's own runner on copies of the template; those of
``tests/`` in pytest, against real servers on copies of the demo. A skipped test is a failure:
a missing browser must not look like success.
"""

import dataclasses
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from . import changed, database, paths, postgres

MAX_AT_ONCE = 4  # runs of tests, on a machine with many processors
# Seconds that an addon's tests took, two runs at a time on two processors: the longest come
# first, and short ones share a run, for each starts Odoo anew. One that is not here takes 30.
SECONDS = {"subscription_billing": 1000, "credit_wallet": 700, "invoice_europe": 350,
           "subscription_credit": 220, "session_booking": 240, "subscription_quota": 140,
           "lms_link": 40, "legal_invoice": 105, "company_role": 20, "subscription_stripe": 55,
           "report_paper": 25, "month_closing": 25, "month_closing_credit": 5,
           "month_closing_stripe": 2, "invoice_europe_subscription": 30,
           "invoice_europe_booking": 45,
           "quota_credit": 15, "sale_paid_value": 20, "sale_paid_value_loyalty": 10,
           "concurrency_base": 5, "service_product": 10, "auth_limit": 30, "legal_training": 10}
STATS = re.compile(r"odoo\.tests\.stats: (\w+): \d+ tests ([\d.]+)s")
RESULT = re.compile(
    r"odoo\.tests\.result: (\d+) failed, (\d+) error\(s\) of (\d+) tests when loading")


SECONDS_OF_A_RUN = 100  # at least, where there are enough addons
# Seconds that a file of flows took, one of two at a time; one that is not here takes 30.
FLOW_SECONDS = {
    "test_desk_races": 160, "test_rush": 130, "test_subscription_browser": 125,
    "test_wallet_races": 110, "test_subscription_credit": 105, "test_booking_browser": 105,
    "test_stripe": 105, "test_billing_run": 95, "test_unguarded": 75, "test_insaho_flow_http": 75,
    "test_installation": 800, "test_ops": 60, "test_insaho_flow_browser": 16,
    "test_waiting_list": 18, "test_month_browser": 25, "test_last_seat": 13,
    "test_payment_server": 5, "test_restart": 45, "test_access": 120, "test_fields": 60,
    "test_french": 60,
    "test_routes": 90, "test_methods": 45, "test_texts": 1,
    "clients": 5}
FILES = re.compile(r"(?:tests/)?(?:security/)?(test_\w+|clients)(?:\.py)?$")


@dataclasses.dataclass
class Plan:
    """What is to be run.

    :ivar list runs: tags of each run of Odoo's runner
    :ivar list flows: arguments of pytest, empty for all of them; None: it is not run
    :ivar bool whole: nothing was left out
    """

    runs: list
    flows: list | None
    whole: bool = False


def plan(arguments):
    """Plan what to run: by default all; with ``--changed``, ``--addons /credit_wallet:TestX`` or
    ``-k name`` a part.

    :return: a :class:`Plan`
    """
    if not arguments:
        return Plan(_runs(paths.our_addons()), [], whole=True)
    if arguments == ["--changed"]:
        selection = changed.select()
        print(selection.reason, flush=True)
        nothing = selection.flows == []
        return Plan(_runs(selection.addons), None if nothing else selection.flows or [],
                    whole=selection.flows is None)
    if arguments[0] == "--addons":
        return Plan(arguments[1:2] or _runs(paths.our_addons()), None)
    return Plan([], arguments)


def _runs(addons):
    """Group addons in runs long enough to be worth a start of Odoo, the longest first."""
    runs, seconds = [], SECONDS_OF_A_RUN
    for addon in sorted(addons, key=_seconds_of, reverse=True):
        if seconds >= SECONDS_OF_A_RUN:
            runs.append([])
            seconds = 0
        runs[-1].append(f"/{addon}")
        seconds += _seconds_of(addon)
    return list(map(",".join, runs))


def _seconds_of(addon):
    return SECONDS.get(addon, 30)


def _run_all(plan):
    """Run tests and flows from one queue: as many at once as there are processors.

    The flows come last, and begin while the last of the addons are tested.

    :return: (passed, failed)
    """
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MAX_AT_ONCE)) as pool:
        work = [pool.submit(_run_tagged, tags) for tags in plan.runs]
        if plan.flows is not None:
            work.append(pool.submit(_run_flow_tests, plan.flows))
        results = [one.result() for one in work]
    return tuple(map(sum, zip(*results, strict=True)))


def _run_tagged(tags):
    """Run the tests that Odoo's runner finds by these tags.

    :return: (passed, failed) of the tests that Odoo's runner finds by these tags
    """
    name = re.sub(r"\W+", "_", tags).strip("_")[:40]
    database_name = f"caps_test_addons_{name}"
    started = time.monotonic()
    postgres.copy(paths.TEMPLATE_TESTS, database_name)
    command = database.odoo(
        "server", "-d", database_name, "--test-tags", tags, "--stop-after-init",
        "--http-interface=127.0.0.1", f"--http-port={paths.free_port()}",
        "--max-cron-threads=0", "--log-level=info", "--log-handler=odoo.tests:INFO")
    log = paths.LOGS / f"test-addons-{name}.log"
    with log.open("w") as output:
        process = subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=paths.ROOT, check=False,
            env={**os.environ, **postgres.environment()})
    text = log.read_text(errors="replace")
    postgres.drop(database_name)
    good, bad = _count_odoo(text, process.returncode)
    each = ", ".join(f"{addon} {float(seconds):.0f} s" for addon, seconds in STATS.findall(text))
    print(f"{tags}: {good} passed, {bad} failed ({time.monotonic() - started:.0f} s: {each})",
          flush=True)
    return good, bad


def _count_odoo(text, returncode):
    result = RESULT.search(text)
    if not result:
        print(text[-6000:])
        return 0, 1
    failures, errors, total = map(int, result.groups())
    skipped = [line for line in text.splitlines() if "odoo.tests" in line and " skipped" in line]
    for block in re.findall(r"(?:ERROR|FAIL): [\s\S]+?(?=\n\d{4}-\d\d-\d\d |\Z)", text):
        print(block[:3000])
    for line in skipped:
        print(f"skipped counts as failed: {line}")
    failed = failures + errors + len(skipped)
    if returncode and not failed:
        failed = 1
        print(f"the server ended with code {returncode}")
    return total - min(failed, total), failed


def _run_flow_tests(arguments):
    """Run the flows across addons; when all are run, each file in one of two processes.

    They wait for browsers and servers more than they compute: two keep two processors busy.

    :return: (passed, failed)
    """
    report = paths.HOUSE / "pytest.xml"
    report.unlink(missing_ok=True)
    arguments = arguments or [
        *(str(path.relative_to(paths.ROOT)) for path in changed.flows()), "clients"]
    if len(arguments) > 1 and all(map(FILES.match, arguments)):
        # The longest first, or one of the two would end minutes after the other.
        arguments = [*sorted(arguments, key=_flow_seconds, reverse=True), "--numprocesses=2",
                     "--dist=loadfile", "--no-loadscope-reorder"]
    process = subprocess.run(
        [str(paths.PYTHON), "-m", "pytest", f"--junitxml={report}", *arguments],
        cwd=paths.ROOT, check=False, env={**os.environ, **postgres.environment()})
    if not report.exists():
        return 0, 1
    suite = re.search(
        r'<testsuite [^>]*errors="(\d+)" failures="(\d+)" skipped="(\d+)" tests="(\d+)"',
        report.read_text())
    errors, failures, skipped, total = map(int, suite.groups())
    failed = errors + failures + skipped
    if process.returncode and not failed:
        failed = 1
    return total - min(failed, total), failed


def _flow_seconds(argument):
    return FLOW_SECONDS.get(FILES.match(argument)[1], 30)


def main(plan, started):
    """Run the tests that the arguments select.

    :return: the exit code, 0 when nothing failed.
    """
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    commit = changed.clean_commit()
    ready = time.monotonic() - started
    if not plan.runs and plan.flows is None:
        print("Nothing to test; `make lint` checks the rest.")
        return 0
    passed, failed = _run_all(plan)
    if plan.whole and passed and not failed:
        changed.remember_pass(commit)
    total = time.monotonic() - started
    print(f"total time {total / 60:.1f} min, of which set-up {ready / 60:.1f} min")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
