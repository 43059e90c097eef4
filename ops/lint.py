"""Every check that needs no database: ruff, pylint-odoo, arrows, XML, translations."""

import subprocess

from . import paths

XML_CHECK = """
import sys
from lxml import etree
for name in sys.argv[1:]:
    try:
        etree.parse(name)
    except etree.XMLSyntaxError as error:
        sys.exit(f"{name}: {error}")
"""
PO_CHECK = """
import sys
import polib
bad = 0
for name in sys.argv[1:]:
    po = polib.pofile(name)
    for entry in [*po.untranslated_entries(), *po.fuzzy_entries()]:
        bad += 1
        print(f"{name}:{entry.linenum}: not translated: {entry.msgid!r}")
sys.exit(bool(bad))
"""


def _check(title, command):
    print(f"… {title}", flush=True)
    done = subprocess.run(list(map(str, command)), cwd=paths.ROOT, check=False)
    print(f"{'✗' if done.returncode else '✓'} {title}", flush=True)
    return bool(done.returncode)


def _checks():
    """Return the title and the command of each check, by its name."""
    addons = [f"addons/{name}" for name in paths.our_addons()]
    xml = sorted(map(str, paths.ADDONS.rglob("*.xml")))
    po = sorted(map(str, paths.ADDONS.rglob("i18n/fr.po")))
    return {
        "ruff": ("ruff", [paths.PYTHON, "-m", "ruff", "check", "."]),
        "pylint": ("pylint-odoo", [
            paths.PYTHON, "-m", "pylint", "--rcfile=.pylintrc", *addons]),
        "mypy": ("mypy --strict (clients)", [
            paths.PYTHON, "-m", "mypy", "--config-file", paths.MIDDLEWARE / "pyproject.toml",
            "--cache-dir", paths.HOUSE / "mypy", paths.MIDDLEWARE / "src",
            paths.MIDDLEWARE / "examples"]),
        "arrows": ("Who stands on whom", [paths.PYTHON, "-m", "ops.arrows"]),
        "xml": ("XML", [paths.PYTHON, "-c", XML_CHECK, *xml]),
        "french": ("French translations", [paths.PYTHON, "-c", PO_CHECK, *po]),
    }


def main(names=()):
    """Run the checks: all, or those of these names (as the hooks of pre-commit do).

    :return: the number of checks that failed
    """
    checks = _checks()
    if unknown := set(names) - set(checks):
        raise SystemExit(f"No check {', '.join(sorted(unknown))}; there are {', '.join(checks)}.")
    return sum(_check(*checks[name]) for name in names or checks)
