"""``make demo`` and ``make test`` on machines that lack something, and what they leave out.

Nothing is downloaded. The machines are mount namespaces in which this one looks different.
"""

import ast
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ops import addons, changed, database, paths, postgres, steps, testing

ADDONS = ()
RELEASE = "FINAL = 'final'\nversion_info = ({}, FINAL, 0, '')\n"
UBUNTU = 'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04.3 LTS"\n'
NAMESPACE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]


@pytest.fixture
def checkout():
    """Copy what `make` needs first to a fresh clone, where PostgreSQL's user may enter."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        clone = Path(folder) / "clone"
        clone.mkdir()
        shutil.copytree(paths.ROOT / "ops", clone / "ops")
        for name in ("Makefile", "odoo.conf", "requirements.txt", "requirements-dev.txt"):
            shutil.copy(paths.ROOT / name, clone)
        yield clone


def run(clone, command="demo", mount="", python=("-m", "ops"), **environment):
    """Run a command; return (exit code, what was printed).

    :return: (exit code, what was printed)

    :param str mount: shell commands that make the machine look otherwise
    """
    kept = {name: value for name, value in os.environ.items()
            if name != "ODOO_HOME" and not name.startswith("PG")}
    done = subprocess.run(
        [*NAMESPACE, "sh", "-ec", f'{mount}\ncd "$1"; shift; exec "$@"', "-", str(clone),
         sys.executable, *python, command],
        env={**kept, **environment}, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def refused(clone, **options):
    """Return the sentence with which a command ends before it has changed anything."""
    before = sorted(clone.rglob("*"))
    code, printed = run(clone, **options)
    assert code == 1, printed
    assert len(printed.splitlines()) == 1, printed
    assert printed.rstrip().endswith("."), printed
    assert [path for path in sorted(clone.rglob("*"))
            if "__pycache__" not in path.parts] == [
                path for path in before if "__pycache__" not in path.parts]
    return printed


# What a machine lacks -------------------------------------------------------------------------

@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_python(checkout, version):
    start = (f"import runpy, sys; sys.version_info = {(*version, 1, 'final', 0)}; "
             "sys.argv = ['ops', sys.argv[-1]]; sys.path.insert(0, ''); "
             "runpy.run_module('ops', run_name='__main__', alter_sys=True)")
    said = refused(checkout, python=("-c", start))
    assert "Python 3.11, 3.12 or 3.13" in said and "{}.{}".format(*version) in said
    # A Python too old for our other files must get as far as saying so.
    ast.parse((checkout / "ops" / "__init__.py").read_text(), feature_version=(3, 4))


@pytest.mark.parametrize("version, name", [
    ("18, 0, 0", "18.0"), ("20, 0, 0", "20.0"), ("'saas~19', 1, 0", "saas~19.1")])
def test_another_odoo(checkout, version, name, tmp_path):
    (tmp_path / "odoo").mkdir()
    (tmp_path / "odoo" / "release.py").write_text(RELEASE.format(version))
    said = refused(checkout, ODOO_HOME=str(tmp_path))
    assert f"holds Odoo {name}," in said and "--branch 19.0" in said


def test_no_odoo_in_odoo_home(checkout, tmp_path):
    assert "holds no `odoo` package" in refused(checkout, ODOO_HOME=str(tmp_path))


def test_ubuntu_is_told_what_to_install(checkout):
    release = checkout.parent / "os-release"
    release.write_text(UBUNTU)
    mount = f"mount --bind {release} /etc/os-release"
    said = refused(checkout, mount=mount)
    assert said.startswith("Ubuntu 24.04.3 LTS is not Debian 12 or 13, so install yourself: Odoo")
    assert "ODOO_HOME" in said and "PostgreSQL" not in said
    said = refused(checkout, mount=f"{mount}; mount -t tmpfs none /usr/lib/postgresql")
    assert "PostgreSQL 13 or newer" in said and "PGHOST" in said


def test_debian_without_apt(checkout, tmp_path):
    mount = f"export PATH={tmp_path}"
    (tmp_path / "cd").symlink_to("/bin/true")
    assert "has no apt-get, so install yourself: Odoo 19.0" in refused(checkout, mount=mount)


def test_no_room(checkout):
    """The folder of the checkout is a disk of 64 MB."""
    mount = ('cp -r "$1" "$1-copy"; mount -t tmpfs -o size=64m none "$1"; '
             'cp -r "$1-copy/." "$1"; rm -r "$1-copy"')
    assert "4 GB of disk are needed" in refused(checkout, mount=mount)


def test_taken_port(checkout):
    """Somebody else listens where the demo was; its database names that port."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (checkout / ".house").mkdir()
        (checkout / ".house" / "ports.json").write_text(f'{{"http": {port}}}')
        assert f"Port {port} is taken" in refused(checkout)


# A server of one's own ------------------------------------------------------------------------

@contextlib.contextmanager
def role(name, options):
    """Yield the PG* variables of a role of the private cluster."""
    own = {name: os.environ[name] for name in ("PGHOST", "PGPORT") if name in os.environ}
    own.update(postgres.environment())
    postgres.query(f"DROP ROLE IF EXISTS {name}")
    postgres.query(f"CREATE ROLE {name} LOGIN PASSWORD 'x' {options}")
    yield {**own, "PGUSER": name, "PGPASSWORD": "x"}
    postgres.query(f"DROP ROLE {name}")


def test_server_that_does_not_answer(checkout):
    said = refused(checkout, PGHOST="127.0.0.1", PGPORT=str(paths.free_port()))
    assert "does not answer" in said


@pytest.mark.parametrize("name, options, words", [
    ("caps_poor", "", "may not create databases"),
    ("postgres", "SUPERUSER", "refuses to work as PostgreSQL's user postgres")])
def test_role_that_will_not_do(checkout, name, options, words):
    with role(name, options) as environment:
        assert words in refused(checkout, **environment)


# A house of another day -----------------------------------------------------------------------

def cluster(checkout, version, process=None):
    data = checkout / ".house" / "pg" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text(f"{version}\n")
    if process:
        (data / "postmaster.pid").write_text(f"{process}\n/elsewhere/data\n")


def newest():
    return max(map(int, os.listdir("/usr/lib/postgresql")))


def test_cluster_of_a_version_that_is_gone(checkout):
    cluster(checkout, 9)
    assert "was made by PostgreSQL 9, which is not installed any more" in refused(checkout)
    assert run(checkout, "clean") == (0, "")
    assert not (checkout / ".house").exists()


def test_house_copied_while_its_server_ran(checkout):
    """Nor does `make clean` stop the server of the other house."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:  # ends with this block
        cluster(checkout, newest(), other.pid)
        assert "copied or moved while its server ran" in refused(checkout)
        assert run(checkout, "clean") == (0, "")
        assert other.poll() is None


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """Make a demo of another name with Odoo's own modules and, of ours, what a test writes."""
    folder = tmp_path / "addons"
    folder.mkdir()
    monkeypatch.setattr(paths, "ADDONS", folder)
    for constant, name in (("DEMO", "caps_test_ops"), ("DEMO_NEXT", "caps_test_ops_next"),
                           ("TEMPLATE_DEMO", paths.TEMPLATE_BASE)):
        monkeypatch.setattr(paths, constant, name)
    database.begin_demo()
    yield folder
    for name in (paths.DEMO, paths.DEMO_NEXT):
        postgres.drop(name)
    paths.clear_stamp(paths.DEMO)


def write_addon(folder, name, depends=("base",), **files):
    """Write an addon.

    :param files: name of a file without its ending (xml) to its content
    """
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("")
    (folder / name / "__manifest__.py").write_text(repr({
        "name": name, "depends": list(depends), "data": [f"{file}.xml" for file in files],
        "license": "LGPL-3"}))
    for file, content in files.items():
        (folder / name / f"{file}.xml").write_text(content)


NOTE = """<odoo><record id="tag" model="res.partner.category">
<field name="name">{}</field></record></odoo>"""


def test_demo_is_updated_and_keeps_its_records(demo):
    write_addon(demo, "caps_note", note=NOTE.format("Before"))
    assert not database.has_demo(), "it was interrupted"
    assert database.demo_changes() == (set(), {"caps_note"}, True)
    database.update_demo(set(), {"caps_note"})
    database.remember_demo()
    assert database.has_demo()
    assert database.demo_changes() == (set(), set(), False)
    postgres.query("INSERT INTO res_partner_category (name) VALUES ('{\"en_US\": \"Mine\"}')",
                   paths.DEMO)
    (demo / "caps_note" / "note.xml").write_text(NOTE.format("After"))
    assert database.demo_changes() == ({"caps_note"}, set(), True)
    database.update_demo({"caps_note"}, set())
    names = postgres.query("SELECT name->>'en_US' FROM res_partner_category", paths.DEMO)
    assert {"After", "Mine"} <= set(names.splitlines()) and "Before" not in names
    assert paths.DEMO_NEXT not in postgres.databases()


def test_update_that_fails_leaves_the_demo_as_it_was(demo, capsys):
    write_addon(demo, "caps_broken", note="<odoo><nonsense/></odoo>")
    with pytest.raises(SystemExit):
        database.update_demo(set(), {"caps_broken"})
    assert "The demo is as it was" in capsys.readouterr().err
    assert "caps_broken" not in postgres.query(
        "SELECT name FROM ir_module_module WHERE state = 'installed'", paths.DEMO)
    assert paths.DEMO_NEXT not in postgres.databases()


def test_demo_of_a_checkout_with_other_addons(demo):
    postgres.query("INSERT INTO ir_module_module (name, state) VALUES ('caps_gone', 'installed')",
                   paths.DEMO)
    with pytest.raises(SystemExit, match="another checkout, with caps_gone, which"):
        database.demo_changes()


def test_step_error_outside_a_step_is_said_without_a_traceback(checkout):
    code, printed = run(checkout, "shell", mount="mount -t tmpfs none /usr/lib/postgresql")
    assert code == 1 and "Traceback" not in printed, printed


# What has changed -----------------------------------------------------------------------------

@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Make a repository of three addons, one above another, and flows."""
    for name in ("addons", "tests", "clients/middleware", "ops", "docs"):
        (tmp_path / name).mkdir(parents=True)
    for constant, name in (("ROOT", ""), ("ADDONS", "addons"), ("HOUSE", ".house")):
        monkeypatch.setattr(paths, constant, tmp_path / name)
    for name, depends in (("low", []), ("middle", ["low"]), ("high", ["middle"])):
        write_addon(paths.ADDONS, name, depends, view="<odoo/>", kept='<odoo noupdate="1"/>')
        for path, content in (("models/model.py", "A = 1\n"), ("static/a.css", ""),
                              ("tests/test_a.py", ""), ("readme/A.md", "")):
            (paths.ADDONS / name / path).parent.mkdir(exist_ok=True)
            (paths.ADDONS / name / path).write_text(content)
    for name, content in (
            ("house", "world"), ("world", ""), ("conftest", "import house"),
            ("test_low", 'ADDONS = ("low",)\nimport house'), ("test_high", 'ADDONS = ("high",)'),
            ("test_client", "ADDONS = ()\nimport middleware"), ("test_every", 'ADDONS = "all"'),
            ("test_silent", "")):
        (tmp_path / "tests" / f"{name}.py").write_text(content)
    for name in ("clients/middleware/a.py", "ops/a.py", "docs/a.md", ".gitignore"):
        (tmp_path / name).write_text(".house" if name == ".gitignore" else "")
    git("init", "-q", "-b", "main")
    commit()
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    return tmp_path


def git(*arguments):
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments],
        cwd=paths.ROOT, check=True, capture_output=True)


def commit():
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", "a")


def touch(name, text="# more\n"):
    file = paths.ROOT / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as opened:
        opened.write(text)


FLOWS = {"client", "every", "high", "low", "silent"}


@pytest.mark.parametrize("path, expected_addons, expected_flows", [
    ("addons/low/models/model.py", "high low middle", "every high low silent"),
    ("addons/high/models/new.py", "high", "every high silent"),
    ("addons/middle/tests/test_a.py", "high middle", "silent"),
    ("addons/low/readme/A.md", "", ""),
    ("docs/a.md", "", ""),
    ("tests/test_high.py", "", "high silent"),
    ("tests/world.py", "", "low silent"),
    ("tests/unheard_of.py", "", "client every high low silent"),
    ("clients/middleware/a.py", "", "client silent clients"),
    ("tests/conftest.py", "all", "all"),
    ("ops/a.py", "all", "all"),
    ("odoo.conf", "all", "all"),
    ("requirements-dev.txt", "all", "all"),
    ("strange/file", "", "client every high low silent"),
])
@pytest.mark.parametrize("committed", [False, True])
def test_changed(sources, path, expected_addons, expected_flows, committed):
    touch(path)
    if committed:
        commit()
    selection = changed.select()
    everything = ["high", "low", "middle"]
    assert selection.addons == (
        everything if expected_addons == "all" else expected_addons.split())
    assert selection.flows == (None if expected_flows == "all" else [
        f"tests/test_{name}.py" if name in FLOWS else name for name in expected_flows.split()])
    assert len(selection.reason.splitlines()) == 1
    for name in set(everything) - set(selection.addons):
        assert name in selection.reason.split("Left out")[1]


def test_changed_since_all_passed(sources):
    touch("addons/low/models/model.py")
    commit()
    assert changed.select().addons
    touch("addons/high/models/model.py")
    changed.remember_pass(changed.clean_commit())
    assert changed.select().addons == ["high", "low", "middle"], "it was not committed"
    git("checkout", "-q", ".")
    changed.remember_pass(changed.clean_commit())
    assert changed.select().addons == []
    assert changed.select().flows == []


def test_changed_without_origin(sources):
    git("update-ref", "-d", "refs/remotes/origin/main")
    assert changed.select().flows is None


def difference(before):
    return addons.Difference(before, addons.snapshot(before))


def test_a_comment_changes_no_database(sources):
    before = addons.snapshot()
    assert not difference(before).restart
    touch("addons/low/models/model.py")
    touch("addons/low/tests/test_a.py", "A = 2\n")
    assert not difference(before).files
    assert difference(before).restart


@pytest.mark.parametrize("path, text, installs, code, static", [
    ("models/model.py", "A = 2\n", False, True, False),
    ("models/model.py", "def init(self):\n    pass\n", True, True, False),
    ("view.xml", "<!-- -->", False, False, False),
    ("kept.xml", "<!-- -->", True, False, False),
    ("__manifest__.py", "\n{}\n", True, True, False),
    ("hooks.py", "def post_init_hook(env):\n    pass\n", True, True, False),
    ("static/a.css", "p {}", False, False, True),
    ("i18n/fr.po", "#", False, False, False)])
def test_what_an_update_is_enough_for(sources, path, text, installs, code, static):
    before = addons.snapshot()
    touch(f"addons/middle/{path}", text)
    found = difference(before)
    assert found.files == {f"middle/{path}"}
    assert found.changed == (set() if static else {"middle"})
    assert (found.needs_installation, found.has_code, found.has_static) == (installs, code, static)


def test_an_addon_more_or_less_needs_an_installation(sources):
    before = addons.snapshot()
    (paths.ADDONS / "high").rename(paths.ADDONS / "higher")
    found = difference(before)
    assert (found.added, found.removed) == ({"higher"}, {"high"})
    assert found.needs_installation


# This repository ------------------------------------------------------------------------------

def test_flows_name_addons_that_exist():
    for flow in changed.flows():
        declared = changed._declared(flow) or ()
        assert declared == "all" or set(declared) <= set(paths.our_addons()), flow.name


def test_each_addon_is_in_one_run():
    names = [*paths.our_addons(), "of_tomorrow"]
    runs = testing._runs(names)
    assert sorted(",".join(runs).split(",")) == sorted(f"/{name}" for name in names)
    assert runs[0] == f"/{max(names, key=testing._seconds_of)}"


def test_a_failed_step_says_what_to_do(capsys):
    with pytest.raises(SystemExit), steps.step("Something"):
        raise steps.StepError("it broke", "Mend it")
    assert "Mend it" in capsys.readouterr().err
