"""Every test through one door, and one line at the end: ``N passed, N failed``.

Tests of ``addons/*/tests`` run in Odoo's own runner on a copy of the template; those of
``tests/`` in pytest, against real servers on copies of the demo. A skipped test is a failure:
a missing browser must not look like success.
"""

import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from . import database, paths, postgres

MAX_AT_ONCE = 4  # runs of addon tests, on a machine with many processors
# What an addon's tests took, two runs at a time on two processors; to share them out.
SECONDS = {"credit_wallet": 390, "subscription_quota": 390, "subscription_credit": 170,
           "session_booking": 125, "invoice_europe": 65, "legal_invoice": 50,
           "subscription_stripe": 45, "invoice_europe_booking": 20, "lms_link": 15,
           "report_paper": 10, "concurrency_base": 5, "invoice_europe_subscription": 5,
           "legal_training": 2}
RESULT = re.compile(
    r"odoo\.tests\.result: (\d+) failed, (\d+) error\(s\) of (\d+) tests when loading")


def _run_addon_tests():
    """The addons in as many runs as there are processors, each on a copy of the template.

    :return: (passed, failed) of the tests that live in the addons
    """
    runs = _shares(min(os.cpu_count() or 1, MAX_AT_ONCE))
    with ThreadPoolExecutor(len(runs)) as pool:
        results = list(pool.map(
            lambda addons: _run_tagged(",".join(f"/{addon}" for addon in addons), addons[0]),
            runs))
    return tuple(map(sum, zip(*results, strict=True)))


def _shares(count):
    """The addons in `count` lists that take about as long as one another."""
    shares, seconds = [[] for _share in range(count)], [0] * count
    for addon in sorted(paths.our_addons(), key=_seconds_of, reverse=True):
        least = seconds.index(min(seconds))
        shares[least].append(addon)
        seconds[least] += _seconds_of(addon)
    return [share for share in shares if share]


def _seconds_of(addon):
    return SECONDS.get(addon, 30)


def _run_tagged(tags, name):
    """:return: (passed, failed) of the tests that Odoo's runner finds by these tags"""
    database_name = f"caps_test_addons_{name}"
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
    print(f"{tags}: {good} passed, {bad} failed", flush=True)
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
    """Those across addons; when all are run, each file in one of two processes.

    They wait for browsers and servers more than they compute: two keep two processors busy.

    :return: (passed, failed)
    """
    report = paths.HOUSE / "pytest.xml"
    report.unlink(missing_ok=True)
    arguments = arguments or ["--numprocesses=2", "--dist=loadfile"]
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


def wants_addons(arguments):
    return not arguments or arguments[0] == "--addons"


def wants_flows(arguments):
    return not arguments or arguments[0] != "--addons"


def main(arguments, started):
    """``make test``: all; ``ARGS="--addons /credit_wallet:TestX"`` or ``ARGS="-k name"``: a part.

    :return: the exit code, 0 when nothing failed.
    """
    passed = failed = 0
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    ready = time.monotonic() - started
    if wants_addons(arguments):
        good, bad = (_run_tagged(",".join(arguments[1:]), "chosen") if arguments[1:]
                     else _run_addon_tests())
        passed, failed = passed + good, failed + bad
    if wants_flows(arguments):
        good, bad = _run_flow_tests(arguments)
        passed, failed = passed + good, failed + bad
    total = time.monotonic() - started
    print(f"total time {total / 60:.1f} min, of which set-up {ready / 60:.1f} min")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
