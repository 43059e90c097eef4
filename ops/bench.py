"""``make bench-NAME``: run a benchmark on copies of the template made for it alone."""

import os
import subprocess
import sys

from . import database, paths, postgres
from .steps import step

# The modules of the peer, and a name for each database made for the benchmark; those that run
# real servers make their own.
BENCHMARKS = {
    "wallet": (["sale_loyalty"], ["small", "large"]),
    "booking": ([], []),
    "billing": ([], []),
    "quota": ([], []),
    "pdf": ([], []),
}


def _make_databases(names, modules):
    with step(f"Database: copies with {', '.join(modules)}"):
        postgres.copy(paths.TEMPLATE, names[0])
        database.install(names[0], modules)
        for other in names[1:]:
            postgres.copy(names[0], other)


def main(arguments):
    """Run a benchmark.

    :return: the exit code of the benchmark: 1 when a target is missed.
    """
    if not arguments or arguments[0] not in BENCHMARKS:
        sys.exit(f"Name a benchmark: {', '.join(BENCHMARKS)}")
    name, *options = arguments
    modules, parts = BENCHMARKS[name]
    names = [f"caps_bench_{name}_{part}" for part in parts]
    try:
        if names:
            _make_databases(names, modules)
        command = [str(paths.PYTHON), "-m", f"benchmarks.{name}", *database.odoo_options(),
                   *options, *(["--databases", *names] if names else [])]
        return subprocess.run(command, cwd=paths.ROOT, check=False,
                              env={**os.environ, **postgres.environment(),
                                   "PYTHONPATH": str(paths.MIDDLEWARE / "src")}).returncode
    finally:
        for made in names:
            postgres.drop(made)
