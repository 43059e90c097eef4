"""Debian packages: the machine's own, and Odoo unpacked into a private folder."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import paths
from .steps import StepError, output_of, run, step

RELEASES = ("12", "13")  # of Debian, tried
# What runs beside Odoo: database, browser, PDF engine, fonts, virtual environments.
PACKAGES = [
    "postgresql", "chromium", "poppler-utils",
    "libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0",  # of WeasyPrint
    "fonts-dejavu-core", "fonts-liberation", "fonts-noto-color-emoji",
    "python3-venv", "make", "git",
]
# Odoo and what its package links to, from Debian's unstable suite; the last two moved their
# files there, so they are taken from the machine's own release.
ODOO_PACKAGES = [
    "odoo-19", "libjs-jquery", "libjs-underscore", "libjs-jquery-form",
    "fonts-roboto-unhinted", "fonts-montserrat", "fonts-ocr-b",
]
STABLE_PACKAGES = ["fonts-font-awesome", "fonts-inconsolata"]
ODOO_STAMP = " ".join(ODOO_PACKAGES + STABLE_PACKAGES)
VENV_REMEDY = "Check the network; `make clean` starts over"


def os_release():
    """Read what the system says of itself.

    :return: dict: empty when it says nothing
    """
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def is_debian():
    """Tell whether this is a Debian on which packages can be installed."""
    release = os_release()
    # Debian's testing and unstable have no number.
    return release.get("ID") == "debian" and release.get("VERSION_ID", RELEASES[-1]) in RELEASES


def automatic():
    """Tell whether packages are installed on this machine, where they are missing."""
    return is_debian() and bool(shutil.which("apt-get"))


def _as_root(command):
    if os.geteuid() == 0:
        return command
    return ["sudo", "-n", *command] if not os.isatty(0) else ["sudo", *command]


def missing_packages():
    """List those of :data:`PACKAGES` that this machine needs and does not have."""
    known = output_of(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"])
    installed = {line.split()[0] for line in known.splitlines() if line.endswith(" installed")}
    wanted = ["postgresql-client" if name == "postgresql" and os.environ.get("PGHOST") else name
              for name in PACKAGES]
    return [name for name in wanted if name not in installed]


def check_can_install():
    """Check that what is missing can be installed here, and Odoo be downloaded.

    :raise SystemExit: with a sentence, when it cannot
    """
    missing = missing_packages()
    if missing and os.geteuid() and not shutil.which("sudo"):
        raise SystemExit("Packages are missing and sudo is not installed; as root: "
                         f"apt-get install {' '.join(missing)}")
    if not _has_odoo():
        debian_mirror()


def install_packages():
    """Install what is missing on a Debian; elsewhere :mod:`machine` has found all there."""
    missing = missing_packages() if automatic() else []
    if not missing:
        return
    with step(f"System packages: {', '.join(missing)}"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        remedy = "Check the network and the package sources of this machine"
        run(_as_root(["apt-get", "update"]), "apt", remedy, env=quiet)
        run(_as_root(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y",
                      "--no-install-recommends", *missing]), "apt", remedy)


def debian_mirror():
    """Return the mirror this machine already uses for Debian, from either format of its sources."""
    folder = Path("/etc/apt")
    texts = [file.read_text() for file in [
        folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
        if file.is_file()]
    for text in texts:
        for stanza in re.split(r"\n\s*\n", text):
            uri = re.search(r"^URIs:\s*(\S+)", stanza, re.M)
            suites = re.search(r"^Suites:\s*(.+)", stanza, re.M)
            if uri and suites and "main" in stanza and "-security" not in suites[1]:
                return uri[1]
        for line in re.finditer(r"^deb\s+(?:\[.*?\]\s+)?(\S+)\s+(\S+)\s+.*\bmain\b", text, re.M):
            if "debian" in line[1] and "security" not in line[2] and "google" not in line[1]:
                return line[1]
    raise SystemExit("This machine's package sources name no mirror of Debian: add one, or set "
                     "ODOO_HOME to a folder that holds Odoo 19's `odoo` package.")


def _download(names, folder, options):
    """Download packages; ``apt-get`` verifies each file against the signed index (SHA-256)."""
    run(["apt-get", *options, "download", *names], "odoo-source",
        "Check the network, or set ODOO_HOME to an Odoo 19 elsewhere", cwd=folder)


def _has_odoo():
    return bool(os.environ.get("ODOO_HOME")) or paths.stamp_matches("odoo", ODOO_STAMP)


def get_odoo():
    """Unpack Odoo 19 into ``.house/odoo``; nothing is installed on the system."""
    if _has_odoo():
        return
    with step("Odoo 19 (about 130 MB, into .house/odoo)"):
        state = paths.HOUSE / "apt"
        for folder in ("lists/partial", "cache/archives/partial", "debs"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        source = state / "unstable.list"
        source.write_text(
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
            f"{debian_mirror()} sid main\n")
        private = [
            "-o", f"Dir::State::Lists={state / 'lists'}", "-o", f"Dir::Cache={state / 'cache'}",
            "-o", f"Dir::Etc::sourcelist={source}", "-o", "Dir::Etc::sourceparts=-",
            "-o", "Acquire::Languages=none", "-o", "APT::Sandbox::User="]
        run(["apt-get", *private, "update"], "odoo-source", "Check the network")
        debs = state / "debs"
        _download(ODOO_PACKAGES, debs, private)
        _download(STABLE_PACKAGES, debs, ["-o", "APT::Sandbox::User="])
        _unpack(sorted(debs.glob("*.deb")), paths.HOUSE / "odoo")
        shutil.rmtree(state)
    paths.set_stamp("odoo", ODOO_STAMP)


def _unpack(archives, target):
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for archive in archives:
        subprocess.run(["dpkg-deb", "-x", str(archive), str(target)], check=True)
    dangling = [link for link in target.rglob("*") if link.is_symlink() and not link.exists()]
    if dangling:
        raise StepError(f"links lead nowhere, the first is {dangling[0]}",
                        "Add the package that holds its target to ODOO_PACKAGES in ops/system.py")


def make_venv():
    """Make a virtual environment with the pinned requirements, and Odoo on its path."""
    requirements = paths.ROOT / "requirements.txt"
    wanted = f"{sys.version_info[:2]} {paths.digest(requirements)} {paths.odoo_home()}"
    if paths.stamp_matches("venv", wanted) and paths.PYTHON.exists():
        return
    with step("Python packages (requirements.txt)"):
        version = output_of([paths.PYTHON, "-c", "import sys; print(sys.version_info[:2])"]) \
            if paths.PYTHON.exists() else None
        if version != str(sys.version_info[:2]):
            paths.clear_stamp("venv-dev")
            run([sys.executable, "-m", "venv", "--clear", paths.VENV], "venv", VENV_REMEDY)
        _pip_install(requirements)
        site = output_of([paths.PYTHON, "-c", "import site; print(site.getsitepackages()[0])"])
        (Path(site) / "odoo-home.pth").write_text(f"{paths.odoo_home()}\n")
    paths.set_stamp("venv", wanted)


def add_test_packages():
    """Install what only tests and checks need into the same environment."""
    requirements = paths.ROOT / "requirements-dev.txt"
    wanted = paths.digest(requirements, paths.ROOT / "requirements.txt")
    if paths.stamp_matches("venv-dev", wanted):
        return
    with step("Python packages (requirements-dev.txt)"):
        _pip_install(requirements)
    paths.set_stamp("venv-dev", wanted)


def _pip_install(requirements):
    # What is imported is compiled then, and most of it never is.
    run([paths.PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile",
         "-r", requirements], requirements.stem, VENV_REMEDY)
