"""``make test ARGS=--changed``: the tests that what changed may break, and no others.

Changed is what differs, committed or not, from the last commit at which the whole suite passed
here, else from where this branch left ``origin/main``. Tests of an addon run when it, or an addon
below it, changed. A flow of ``tests/`` runs when it changed, when something of ``tests/`` or
``clients/`` that it names did, or when an addon did that it touches: its constant ``ADDONS`` lists
the topmost of those, or is ``"all"``; without one it always runs.
"""

import ast
import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

from . import addons, paths

PASSED = "passed"  # the stamp that holds the commit
EVERYTHING = re.compile(
    r"ops/|\.ci/|Makefile|odoo\.conf|pyproject\.toml|requirements[^/]*\.txt|tests/conftest\.py")
NOTHING = re.compile(
    r"docs/|benchmarks/|tests/(soak|walk|screenshots)/|LICENSE|\.|.*\.(md|rst|pot)$"
    r"|addons/[^/]+/(readme|pyproject|static/description/)")
CLIENTS = "clients"  # pytest's name of their tests


@dataclasses.dataclass
class Selection:
    """:ivar list flows: what pytest is given; None: all"""

    addons: list
    flows: list | None
    reason: str


def select():
    """Select the tests of what has changed.

    :return: a :class:`Selection`
    """
    since, why = _since()
    if not since:
        return _everything(why)
    changed = [path for path in _changed_paths(since)
               if EVERYTHING.match(path) or not NOTHING.match(path)]
    for path in changed:
        if EVERYTHING.match(path):
            return _everything(f"{path} changed since {why}")
    return _part(changed, why)


def _everything(reason):
    return Selection(paths.our_addons(), None, f"Everything: {reason}.")


def _part(changed, why):
    inside = [path.split("/") for path in changed if path.startswith("addons/")]
    served = {parts[1] for parts in inside if parts[2] != "tests"}
    ours = sorted(addons.with_those_above({parts[1] for parts in inside})
                  & set(paths.our_addons()))
    chosen = _flows({_word(path) for path in changed if not path.startswith("addons/")},
                    addons.with_those_above(served)) if changed else []
    return Selection(ours, chosen, _sentence(changed, why, ours, chosen))


def _sentence(changed, why, ours, chosen):
    """Say what was left out, and why."""
    left = sorted(set(paths.our_addons()) - set(ours)) + sorted(
        path.stem for path in flows() if _argument(path) not in chosen)
    names = sorted({"/".join(path.split("/")[:2]) for path in changed}) or ["nothing to test"]
    return (f"Changed since {why}: {', '.join(names)}. "
            f"Left out, as it neither is nor touches that: {', '.join(left) or 'nothing'}.")


def _git(*arguments):
    """Return what git prints; empty when it fails, or is not there."""
    if not shutil.which("git"):
        return ""
    done = subprocess.run(["git", *arguments], cwd=paths.ROOT, capture_output=True, text=True,
                          check=False)
    return done.stdout if done.returncode == 0 else ""


def _since():
    """Find the commit since which changes count.

    :return: (commit, its description), or (None, why there is none)
    """
    stamp = paths.HOUSE / "stamps" / PASSED
    if stamp.exists() and _git("cat-file", "-t", stamp.read_text()).strip() == "commit":
        return stamp.read_text(), f"{stamp.read_text()[:10]}, where all passed"
    base = _git("merge-base", "HEAD", "origin/main").strip()
    return (base, "origin/main") if base else (
        None, "there is neither an origin/main nor a commit at which the whole suite passed")


def _changed_paths(since):
    tracked = _git("diff", "--name-only", "--no-renames", "-z", since)
    new = _git("ls-files", "--others", "--exclude-standard", "-z")
    return sorted(set(filter(None, (tracked + new).split("\0"))))


def remember_pass(commit):
    """Note a commit at which the whole suite passed, if nothing has been changed beside it."""
    if commit and commit == clean_commit():
        paths.set_stamp(PASSED, commit)


def clean_commit():
    """Return the commit of the work tree; None when something is not committed."""
    return None if _git("status", "--porcelain").strip() else _git("rev-parse", "HEAD").strip()


# Flows ------------------------------------------------------------------------------------------

def flows():
    """List the files of flows, those of rights in a folder of their own."""
    folder = paths.ROOT / "tests"
    return sorted([*folder.glob("test_*.py"), *(folder / "security").glob("test_*.py")])


def _argument(path):
    """Return what pytest is given to run a file."""
    return str(path.relative_to(paths.ROOT))


def _word(path):
    """Return the word by which a flow names a file: ``house`` for tests/house.py, ``sandbox``."""
    first, *more = Path(path).parts
    return Path(more[0]).stem if first in ("tests", CLIENTS) and more else first


def _flows(words, served):
    """Choose the flows to run.

    :param set words: of files that changed, see :func:`_word`; one no flow names concerns all
    :param set served: addons that may behave otherwise
    :return: list: arguments of pytest
    """
    helpers = {path.stem: path.read_text() for path in (paths.ROOT / "tests").glob("*.py")}
    named = {path: {path.stem} | _named(path.read_text(), helpers, words) for path in flows()}
    unknown = words - set().union(*named.values())
    chosen = []
    for path in flows():
        touched = _declared(path)
        concerned = served if touched == "all" else served & set(touched or ())
        if unknown or touched is None or concerned or words & named[path]:
            chosen.append(_argument(path))
    middlewares = {path.name for path in (paths.ROOT / CLIENTS).iterdir()}
    return [*chosen, CLIENTS] if words & middlewares else chosen


def _named(text, helpers, words):
    """Find those of `words` in a flow and in the helpers that it names, directly or not."""
    found, texts = set(), [text]
    while texts:
        inside = set(re.findall(r"\w+", texts.pop())) - found
        texts += [helpers[stem] for stem in helpers.keys() & inside]
        found |= inside & (helpers.keys() | words)
    return found


def _declared(path):
    """Return the constant ``ADDONS`` of a flow, read without importing it; None: it has none."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ADDONS":
            return ast.literal_eval(node.value)
    return None
