"""Each addon as a package: built from a plain folder, installed by pip beside Odoo, found by name.

pip works without a network: all it may take are our own wheels and what the house has.
"""

import ast
import importlib.metadata
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from ops import database, paths, postgres

ADDONS = "all"
DATABASE = "caps_test_packages"
# Distributions without which Odoo's server does not start: no addon has to name them.
OF_THE_SERVER = {"lxml", "markupsafe", "pillow", "psycopg2-binary", "python-dateutil", "pytz",
                 "reportlab", "werkzeug"}
# Names Odoo's own metadata asks for; the house has their module, or their heir, by another name.
STAND_INS = {"psycopg2": "psycopg2-binary", "PyPDF2": "pypdf"}
ORIGINS = """
import importlib.util, sys
for name in sys.argv[1:]:
    print(importlib.util.find_spec(f"odoo.addons.{name}").origin)
"""


def manifest(addon):
    return ast.literal_eval((paths.ADDONS / addon / "__manifest__.py").read_text())


def tops():
    """List addons that no other of ours needs: pip and Odoo are to find the others by themselves.
    """
    needed = {name for addon in paths.our_addons() for name in manifest(addon)["depends"]}
    return [addon for addon in paths.our_addons() if addon not in needed]


def run(*command, **options):
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, **options)
    assert not done.returncode, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def build(folder, *addons):
    """Build the wheels of addons into a folder, and return it."""
    run(paths.PYTHON, "-m", "pip", "wheel", "--disable-pip-version-check", "--no-index",
        "--no-deps", "--no-build-isolation", "--wheel-dir", folder, *addons)
    return folder


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Build the wheels of all addons, where there is no git."""
    folder = tmp_path_factory.mktemp("packages")
    shutil.copytree(
        paths.ADDONS, folder / "addons", ignore=shutil.ignore_patterns("__pycache__"))
    return build(folder / "wheels", *(folder / "addons" / name for name in paths.our_addons()))


@pytest.fixture(scope="module")
def environment(wheels, tmp_path_factory):
    """Make a virtual environment that sees Odoo and the packages of the house; return its Python.
    """
    folder = tmp_path_factory.mktemp("environment")
    run(paths.PYTHON, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    site = _site(python)
    (site / "house.pth").write_text(f"{_site(paths.PYTHON)}\n{paths.odoo_home()}\n")
    for name, real in STAND_INS.items():
        _stand_in(site, name, importlib.metadata.version(real))
    run(paths.PYTHON, "-m", "pip", "--python", python, "install", "--disable-pip-version-check",
        "--no-index", "--find-links", wheels, *(f"odoo-addon-{name}" for name in tops()))
    return python


def _site(python):
    return paths.Path(run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())


def _stand_in(site, name, version):
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_imports_are_declared():
    """What an addon imports and the server does not bring is in its manifest, and nothing else."""
    known = importlib.metadata.packages_distributions()
    for addon in paths.our_addons():
        asked = manifest(addon).get("external_dependencies", {}).get("python", [])
        declared = {importlib.metadata.metadata(
            requirement.split(">=")[0])["Name"].lower() for requirement in asked}
        imported = {
            distribution.lower() for name in _imports(addon) for distribution in known[name]}
        assert declared == imported - OF_THE_SERVER, addon


def _imports(addon):
    """List the modules an addon imports from elsewhere, its tests left out."""
    files = [file for file in (paths.ADDONS / addon).rglob("*.py") if "tests" not in file.parts]
    names = set()
    for node in (node for file in files for node in ast.walk(ast.parse(file.read_text()))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - {"odoo"}


def test_wheel_from_the_repository(wheels, tmp_path):
    """In a repository the files under git are packed, and the version is the manifest's, too."""
    [built] = build(tmp_path, paths.ADDONS / "lms_link").iterdir()
    assert built.name == f"odoo_addon_lms_link-{manifest('lms_link')['version']}-py3-none-any.whl"
    in_git = run("git", "ls-files", cwd=paths.ADDONS / "lms_link").split()
    with zipfile.ZipFile(built) as wheel:
        packed = {name.removeprefix("odoo/addons/lms_link/") for name in wheel.namelist()
                  if name.startswith("odoo/")}
    assert packed == set(in_git) - {"pyproject.toml"}


def test_pip_brings_what_is_needed(environment):
    """All of them are in the environment, though only those that nobody needs were asked for."""
    names = paths.our_addons()
    origins = run(environment, "-c", ORIGINS, *names).splitlines()
    addons = _site(environment) / "odoo" / "addons"
    assert origins == [str(addons / name / "__init__.py") for name in names]


def test_odoo_installs_them_by_name(environment):
    """They are imported, and their data loaded, without our addons path."""
    postgres.copy(paths.TEMPLATE_BASE, DATABASE)
    options = database.odoo_options()
    elsewhere = [path for path in options[options.index("--addons-path") + 1].split(",")
                 if path != str(paths.ADDONS)]
    try:
        run(environment, "-m", "odoo", "server", "-d", DATABASE, "-i", ",".join(tops()),
            "--stop-after-init", "--no-http", "--max-cron-threads=0", "--data-dir", paths.DATA,
            *(["--addons-path", ",".join(elsewhere)] if elsewhere else []),
            env={**os.environ, **postgres.environment(), "ODOO_RC": os.devnull})
        installed = postgres.query(
            "SELECT name FROM ir_module_module WHERE state = 'installed'", DATABASE).split()
        assert set(paths.our_addons()) <= set(installed)
    finally:
        postgres.drop(DATABASE)
