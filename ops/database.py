"""Databases in three layers, each a template of the next, built only when its sources change.

``caps_base`` holds Odoo's own modules (minutes), ``caps_template`` ours (seconds), and
``caps_template_demo`` the demo company. Tests and the demo run on copies.
"""

import json
import os
import threading
from pathlib import Path

from . import addons, paths, postgres
from .steps import StepError, run, step

# Not needed by an addon of ours, but by the product as it is demonstrated, and by its tests: a
# holding in Belgium.
EXTRA_MODULES = ["l10n_be", "l10n_fr_account", "payment_demo"]
FOLDER = Path(__file__).parent
# Two templates may be made side by side from those below them.
_BASE_LOCK, _TEMPLATE_LOCK = threading.Lock(), threading.Lock()


def _odoo_addons():
    """List Odoo's folders of addons: one in Debian's package, two in a checkout."""
    home = paths.odoo_home()
    inside = home / "odoo" / "addons"
    return [inside] if (inside / "account").exists() else [inside, home / "addons"]


def addons_path():
    """Return the folders of addons beside those in the package ``odoo``, ours first."""
    return ",".join(map(str, [paths.ADDONS, *_odoo_addons()[1:]]))


def odoo_options():
    """Return the options that every command of Odoo is given."""
    return ["-c", str(paths.ROOT / "odoo.conf"), "--addons-path", addons_path(),
            "--data-dir", str(paths.DATA)]


def odoo(command, *arguments):
    """Return the command line of an Odoo sub-command with the repository's odoo.conf."""
    return [str(paths.PYTHON), str(paths.ODOO_BIN), command, *odoo_options(), *arguments]


def _standard_modules():
    needed = set(EXTRA_MODULES).union(*addons.depends().values())
    return sorted(needed - set(paths.our_addons()))


def _run_server(database, *arguments):
    run(odoo("server", "-d", database, *arguments, "--stop-after-init", "--max-cron-threads=0",
             "--no-http"),
        "database", "Read the log; fix the addon it names", env=postgres.environment())


def install(database, modules):
    """Install addons into a database."""
    _run_server(database, "-i", ",".join(modules))


def update(database, changed, added=()):
    """Bring addons of a database to their sources, and those above them; its records stay."""
    options = ["-u", ",".join(sorted(changed)), "--i18n-overwrite"] if changed else []
    if added:
        options += ["-i", ",".join(sorted(added))]
    if options:
        _run_server(database, *options)


def ensure_base():
    """Make the database of Odoo's own modules, unless it is up to date.

    :return: a key that changes whenever it was built again
    """
    modules = _standard_modules()
    # Where Odoo and the server are, when they are not those of the house.
    places = [str(paths.odoo_home()) if os.environ.get("ODOO_HOME") else "",
              *(os.environ.get(name, "") for name in ("PGHOST", "PGPORT"))]
    release = (paths.odoo_home() / "odoo" / "release.py").read_text()
    key = f"{' '.join(modules)} {release}{''.join(places)}"
    with _BASE_LOCK:
        if not paths.stamp_matches(paths.TEMPLATE_BASE, key) \
                or paths.TEMPLATE_BASE not in postgres.databases():
            paths.clear_stamp(paths.TEMPLATE_BASE)
            _build_base(modules)
            paths.set_stamp(paths.TEMPLATE_BASE, key)
    return key


def _build_base(modules):
    with step("Database: Odoo's modules, French accounting, French and English"):
        postgres.drop(paths.TEMPLATE_BASE)
        run(odoo("db", "init", paths.TEMPLATE_BASE, "--language", "fr_FR", "--country", "FR"),
            "database", "Read the log", env=postgres.environment())
        _run_server(paths.TEMPLATE_BASE, "-i", ",".join(modules),
                    "--load-language", "en_US,fr_FR")


def ensure_template():
    """Make or update the template of demo and tests: our addons, without data."""
    with _TEMPLATE_LOCK:
        _Template(paths.TEMPLATE).ensure()


def ensure_test_template():
    """Make or update the template of the tests: with compiled assets."""
    _Template(paths.TEMPLATE_TESTS, assets="test_assets.py").ensure()


def ensure_demo_template():
    """Make or update the template of the demo: with its data and compiled assets."""
    _Template(paths.TEMPLATE_DEMO, data="demo_data.py", assets="assets.py").ensure()


class _Template:
    """A database with our addons, updated or built again when their sources have changed.

    An update is what a developer waits for: seconds. It is enough unless something changed that
    only an installation does; then, and in a fresh clone, the database is built.

    :param str data: a script of this folder that fills it; code that changed might fill it
        otherwise, so it is built again
    :param str assets: a script of this folder that compiles style sheets and scripts
    """

    def __init__(self, name, data=None, assets=None):
        self.name = name
        self.data = data
        self.assets = assets

    def ensure(self):
        """Build or update the database, unless it was made from the files as they are."""
        scripts = [FOLDER / script for script in (self.data, self.assets) if script]
        key = ensure_base() + paths.digest(*scripts)
        made = paths.read_stamp(self.name) if self.name in postgres.databases() else {}
        if made.get("key") != key:
            made = {}
        files = addons.snapshot(made.get("files"))
        difference = addons.Difference(made.get("files", {}), files)
        if difference.files:
            paths.clear_stamp(self.name)
            if not made or difference.needs_installation or self.data and difference.has_code:
                self._build()
            else:
                self._update(difference)
        paths.set_stamp(self.name, json.dumps({"key": key, "files": files}))

    def _build(self):
        if self.name == paths.TEMPLATE:
            with step(f"Database: {', '.join(paths.our_addons())}"):
                postgres.copy(paths.TEMPLATE_BASE, self.name)
                install(self.name, paths.our_addons())
            return
        ensure_template()
        postgres.copy(paths.TEMPLATE, self.name)
        if self.data:
            with step("Database: demo company, customers, packs, trainings"):
                self._run(self.data)
        self._compile()

    def _update(self, difference):
        with step(f"Database: {self.name}: {', '.join(sorted(difference.changed)) or 'static'}"):
            update(self.name, difference.changed)
        if difference.has_static:
            self._compile()

    def _compile(self):
        if self.assets:
            with step("Database: style sheets and scripts"):
                self._run(self.assets)

    def _run(self, script):
        run([paths.PYTHON, FOLDER / script, "-d", self.name, *odoo_options()],
            "database", "Read the log", env=postgres.environment())


def begin_demo():
    """Copy the template under the demo's name; until :func:`remember_demo` it does not count."""
    paths.set_stamp(paths.DEMO, json.dumps({"unfinished": True}))
    postgres.copy(paths.TEMPLATE_DEMO, paths.DEMO)


def has_demo():
    """Tell whether there is a whole demo; one that was interrupted lacks payments."""
    return paths.DEMO in postgres.databases() \
        and not paths.read_stamp(paths.DEMO).get("unfinished")


def remember_demo():
    """Note what the demo's database was made from."""
    paths.set_stamp(paths.DEMO, json.dumps({"files": addons.snapshot()}))


def demo_changes():
    """Find what changed since the demo was made or updated.

    :return: (set of addons to update, set of addons to install, whether any file changed)
    :raise SystemExit: it was made by a checkout with other addons
    """
    made = paths.read_stamp(paths.DEMO).get("files", {})
    ours, installed = set(paths.our_addons()), set(postgres.query(
        "SELECT name FROM ir_module_module WHERE state = 'installed'", paths.DEMO).splitlines())
    gone = sorted(name for name in installed - ours
                  if not any((folder / name).exists() for folder in _odoo_addons()))
    if gone:
        raise SystemExit(f"The demo was made by another checkout, with {', '.join(gone)}, which "
                         "is not here: `make clean`, then `make demo` makes it anew.")
    difference = addons.Difference(made, addons.snapshot(made))
    changed = difference.changed if made else ours  # an older house noted nothing
    return changed & installed, ours - installed, difference.restart


def update_demo(changed, added):
    """Update a copy of the demo's database, then put it in its place: all or nothing."""
    with step(f"Database: the demo's {', '.join(sorted(changed | added))}"):
        postgres.copy(paths.DEMO, paths.DEMO_NEXT)
        try:
            update(paths.DEMO_NEXT, changed, added)
        except StepError as error:
            postgres.drop(paths.DEMO_NEXT)
            raise StepError(str(error), f"The demo is as it was. {error.remedy}") from error
        postgres.rename(paths.DEMO_NEXT, paths.DEMO)


def set_addresses(name, http_port, lms_port):
    """Let mails and PDFs of a copy of the demo point at its server, and courses at its LMS."""
    own = f"http://127.0.0.1:{http_port}"
    for key, value in (
            ("web.base.url", own), ("web.base.url.freeze", "True"), ("report.url", own)):
        postgres.query(
            f"INSERT INTO ir_config_parameter (key, value) VALUES ('{key}', '{value}') "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value", name)
    for table in ("event_type", "event_event"):
        postgres.query(
            f"UPDATE {table} SET lms_url = replace(lms_url, ':8073/', ':{lms_port}/')", name)
