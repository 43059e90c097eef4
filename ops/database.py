"""Databases in three layers, each a template of the next, built only when its sources change.

``caps_base`` holds Odoo's own modules (minutes), ``caps_template`` ours (seconds), and
``caps_template_demo`` the demo company. Tests and the demo run on copies.
"""

import ast

from . import paths, postgres
from .steps import run, step

# Not needed by an addon of ours, but by the product as it is demonstrated.
EXTRA_MODULES = ["l10n_fr_account", "payment_demo"]


def odoo_options():
    addons = [str(paths.ADDONS)]
    if not (paths.odoo_home() / "odoo" / "addons" / "account").exists():
        addons.append(str(paths.odoo_home() / "addons"))  # a source checkout keeps them there
    return ["-c", str(paths.ROOT / "odoo.conf"), "--addons-path", ",".join(addons),
            "--data-dir", str(paths.DATA)]


def odoo(command, *arguments):
    """The command line of an Odoo sub-command with the repository's odoo.conf."""
    return [str(paths.PYTHON), "-m", "odoo", command, *odoo_options(), *arguments]


def _standard_modules():
    ours = set(paths.our_addons())
    needed = set(EXTRA_MODULES)
    for name in ours:
        manifest = ast.literal_eval((paths.ADDONS / name / "__manifest__.py").read_text())
        needed.update(manifest["depends"])
    return sorted(needed - ours)


def _sources():
    """What the installed state of our addons depends on: all of them but their tests."""
    return paths.digest(*(
        path for name in paths.our_addons() for path in sorted((paths.ADDONS / name).iterdir())
        if path.name not in ("tests", "static", "readme")))


def install(database, modules):
    run(odoo("server", "-d", database, "-i", ",".join(modules), "--stop-after-init",
             "--max-cron-threads=0", "--no-http"),
        "database", "Read the log; fix the addon it names", env=postgres.environment())


def _fresh(name, key):
    return paths.stamp_matches(name, key) and name in postgres.databases()


def ensure_base():
    modules = _standard_modules()
    key = f"{' '.join(modules)} {(paths.odoo_home() / 'odoo' / 'release.py').read_text()}"
    if not _fresh(paths.TEMPLATE_BASE, key):
        with step("Database: Odoo's modules, French accounting, French and English"):
            postgres.drop(paths.TEMPLATE_BASE)
            remedy = "Read the log"
            run(odoo("db", "init", paths.TEMPLATE_BASE, "--language", "fr_FR",
                     "--country", "FR"),
                "database", remedy, env=postgres.environment())
            run(odoo("server", "-d", paths.TEMPLATE_BASE, "-i", ",".join(modules),
                     "--load-language", "en_US,fr_FR", "--stop-after-init",
                     "--max-cron-threads=0", "--no-http"),
                "database", remedy, env=postgres.environment())
        paths.set_stamp(paths.TEMPLATE_BASE, key)
    return key


def ensure_template():
    """:return: a key that changes whenever the template was built again."""
    key = ensure_base() + _sources()
    if not _fresh(paths.TEMPLATE, key):
        with step(f"Database: {', '.join(paths.our_addons())}"):
            postgres.copy(paths.TEMPLATE_BASE, paths.TEMPLATE)
            install(paths.TEMPLATE, paths.our_addons())
        paths.set_stamp(paths.TEMPLATE, key)
    return key


def ensure_test_template():
    _ensure_scripted(paths.TEMPLATE_TESTS, {
        "Database: scripts of the tests": paths.ROOT / "ops" / "test_assets.py"})


def ensure_demo_template():
    _ensure_scripted(paths.TEMPLATE_DEMO, {
        "Database: demo company, customers, packs, trainings": paths.ROOT / "ops" / "demo_data.py",
        "Database: style sheets and scripts": paths.ROOT / "ops" / "assets.py"})


def _ensure_scripted(name, scripts):
    """A copy of the template on which these scripts were run, in their order."""
    key = ensure_template() + paths.digest(*scripts.values())
    if not _fresh(name, key):
        postgres.copy(paths.TEMPLATE, name)
        for title, script in scripts.items():
            with step(title):
                run([paths.PYTHON, script, "-d", name, *odoo_options()],
                    "database", "Read the log", env=postgres.environment())
        paths.set_stamp(name, key)


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
