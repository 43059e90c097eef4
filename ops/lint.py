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


def main():
    """:return: the number of checks that failed."""
    addons = [f"addons/{name}" for name in paths.our_addons()]
    xml = sorted(map(str, paths.ADDONS.rglob("*.xml")))
    po = sorted(map(str, paths.ADDONS.rglob("i18n/fr.po")))
    return sum([
        _check("ruff", [paths.PYTHON, "-m", "ruff", "check", "."]),
        _check("pylint-odoo", [paths.PYTHON, "-m", "pylint", "--rcfile=.pylintrc", *addons]),
        _check("mypy --strict (clients)", [
            paths.PYTHON, "-m", "mypy", "--config-file", paths.MIDDLEWARE / "pyproject.toml",
            "--cache-dir", paths.HOUSE / "mypy", paths.MIDDLEWARE / "src",
            paths.MIDDLEWARE / "examples"]),
        _check("Who stands on whom", [paths.PYTHON, "-m", "ops.arrows"]),
        _check("XML", [paths.PYTHON, "-c", XML_CHECK, *xml]),
        _check("French translations", [paths.PYTHON, "-c", PO_CHECK, *po]),
    ])
