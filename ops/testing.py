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
RESULT = re.compile(
    r"odoo\.tests\.result: (\d+) failed, (\d+) error\(s\) of (\d+) tests when loading")


def _run_addon_tests():
    """The tests of each addon on a copy of the template of its own, a processor each.

    :return: (passed, failed) of the tests that live in the addons
    """
    sizes = {addon: _size_of_tests(addon) for addon in paths.our_addons()}
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MAX_AT_ONCE)) as pool:
        results = list(pool.map(
            lambda addon: _run_tagged(f"/{addon}", addon),
            sorted(sizes, key=sizes.get, reverse=True)))  # the longest first
    return tuple(map(sum, zip(*results, strict=True)))


def _size_of_tests(addon):
    return sum(file.stat().st_size for file in (paths.ADDONS / addon / "tests").glob("*.py"))


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
