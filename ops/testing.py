"""Every test through one door, and one line at the end: ``N passed, N failed``.

Tests of ``addons/*/tests`` run in Odoo's own runner on a copy of the template; those of
``tests/`` in pytest, against real servers on copies of the demo. A skipped test is a failure:
a missing browser must not look like success.
"""

import os
import re
import subprocess
import time

from . import database, paths, postgres

RESULT = re.compile(
    r"odoo\.tests\.result: (\d+) failed, (\d+) error\(s\) of (\d+) tests when loading")


def _run_addon_tests(tags):
    """:return: (passed, failed) of the tests that live in the addons."""
    name = "caps_test_addons"
    postgres.copy(paths.TEMPLATE, name)
    wanted = tags or ",".join(f"/{addon}" for addon in paths.our_addons())
    command = database.odoo(
        "server", "-d", name, "--test-tags", wanted, "--stop-after-init",
        "--http-interface=127.0.0.1", f"--http-port={paths.free_port()}",
        "--max-cron-threads=0", "--log-level=info", "--log-handler=odoo.tests:INFO")
    log = paths.LOGS / "test-addons.log"
    with log.open("w") as output:
        process = subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=paths.ROOT, check=False,
            env={**os.environ, **postgres.environment()})
    text = log.read_text(errors="replace")
    postgres.drop(name)
    return _count_odoo(text, process.returncode)


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
    """:return: (passed, failed) of the tests across addons."""
    report = paths.HOUSE / "pytest.xml"
    report.unlink(missing_ok=True)
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


def addons_only(arguments):
    """Whether only tests that live in the addons are asked for."""
    return arguments[:1] == ["--addons"]


def main(arguments, started):
    """``make test``: all; ``ARGS="--addons /credit_wallet:TestX"`` or ``ARGS="-k name"``: a part.

    :return: the exit code, 0 when nothing failed.
    """
    passed = failed = 0
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    ready = time.monotonic() - started
    if addons_only(arguments) or not arguments:
        good, bad = _run_addon_tests(",".join(arguments[1:]))
        passed, failed = passed + good, failed + bad
        print(f"addons: {good} passed, {bad} failed", flush=True)
    if not addons_only(arguments):
        good, bad = _run_flow_tests(arguments)
        passed, failed = passed + good, failed + bad
    total = time.monotonic() - started
    print(f"total time {total / 60:.1f} min, of which set-up {ready / 60:.1f} min")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
