"""Each addon is installed on Odoo's own modules and those below it only, used, and uninstalled.

Nothing is left of it: no table, column, menu, view, scheduled action, template, parameter or SQL
function, nothing offered that nobody delivers any more; invoices stay as they were. A table says
what is kept. What is tried follows from the addons' manifests.
"""

import json
import os
import subprocess

import pytest

from ops import paths, postgres
from ops.arrows import Addons
from tests.installation import uses

ADDONS = "all"
# The ledger is never rewritten: its rows keep the word for what credits were spent on.
KEPT_VALUES = {"quota_credit": ["left: value quota of credit_entry.kind"]}
# Odoo drops its own row of a selection that an addon added a value to, in a model that has the
# field by `_inherits`; the field works on, and the next update of `account` writes the row again.
DROPPED_BY_ODOO = ["gone: ir_model_fields account.bank.statement.line.status_in_payment selection"]
WIDTH = 28


def journeys():
    """List what is to be tried, by name: (kind, arguments, addons) of
    :mod:`tests.installation.journey`.

    Addons that stand on one another share a database: they come from the bottom up and go from
    the top down.
    """
    addons, found, seen = Addons(), {}, set()
    rooms = [name for name in addons.in_order() if not addons.is_bridge(name)]
    for top in rooms:
        if not any(top in addons.below(other) for other in rooms):
            chain = [*addons.all_below(top), top]
            new = [name for name in chain if name not in seen]
            below = [name for name in chain if name in seen]
            found[top] = "alone", {"below": below, "names": new}, new
            seen.update(new)
    for bridge in filter(addons.is_bridge, addons.in_order()):
        *first, other = addons.below(bridge)  # the other may be one of Odoo's
        below = dict.fromkeys(each for name in first for each in (*addons.all_below(name), name))
        arguments = {"bridge": bridge, "other": other, "below": list(below)}
        found[bridge] = "joined", arguments, [bridge]
    lowest = [name for name in rooms if not addons.below(name)]
    found["together"] = "together", {"names": addons.in_order(), "lowest": lowest}, ["all of them"]
    return found


JOURNEYS = journeys()
ROWS = {}  # by addon, as far as journeys were made


def made(journey):
    """Return the rows of a journey, which is made once."""
    kind, arguments, addons = JOURNEYS[journey]
    if not ROWS.keys() >= set(addons):
        ROWS.update(make(journey, kind, arguments))
    return {addon: ROWS[addon] for addon in addons}


def make(journey, kind, arguments):
    name = f"caps_test_installation_{journey}"
    postgres.copy(paths.TEMPLATE_BASE, name)
    try:
        done = subprocess.run(
            [str(paths.PYTHON), "-m", "tests.installation.journey", name, kind,
             json.dumps(arguments)],
            cwd=paths.ROOT, env={**os.environ, **postgres.environment()}, check=False,
            capture_output=True, text=True)
    finally:
        postgres.drop(name)
    assert done.returncode == 0, done.stderr[-4000:]
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {row["addon"]: row for row in rows}


@pytest.mark.parametrize("journey", JOURNEYS)
def test_nothing_is_left(journey):
    for addon, row in made(journey).items():
        left = [each for each in row["left"] if each not in DROPPED_BY_ODOO]
        assert left == KEPT_VALUES.get(addon, []), f"{addon}: {left}"
        assert not row["tables"] or any(row["tables"].values()), f"{addon} was not used"
        strangers = [named for named in row["named"] if "(product." not in named]
        assert not strangers, f"{addon} keeps {strangers}"


def test_table(record_property):
    """Every addon of the folder is in it."""
    rows = {addon: row for journey in JOURNEYS for addon, row in made(journey).items()}
    assert rows.keys() == {*Addons().manifests, "all of them"}
    assert {name for name in vars(uses) if name in Addons().manifests} == rows.keys() - {
        "all of them"}
    record_property("table", "\n".join([
        f"{'addon':{WIDTH}} install use  gone  tables  left  kept", *map(line, rows.values())]))


def line(row):
    """Write the seconds to install, to use and to uninstall; own tables with rows; what stays."""
    tables = row["tables"].values()
    kept = [f"{count} {table}" for table, count in row["kept"].items()]
    return (f"{row['addon']:{WIDTH}} {row['install']:5.0f} s {row['use']:2.0f} s "
            f"{row['uninstall']:3.0f} s {sum(map(bool, tables)):3}/{len(tables):<3} "
            f"{len(row['left']):4}  {', '.join([*kept, *row['named']]) or '–'}")
