"""Say in one sentence what this machine lacks, before anything on it is changed."""

import ctypes
import importlib.util
import os
import re
import shutil

from . import paths, postgres, server, system

ODOO = "git clone --depth 1 --branch 19.0 https://github.com/odoo/odoo"
GB = 2**30
HOUSE_GB, SYSTEM_GB, RUNNING_GB = 4, 2, 1  # of a new house, of packages, of a run's databases


def check(*more):
    """Check the machine: each check ends the program with its sentence, or does nothing."""
    for one in (_check_odoo_home, _check_system, _check_house, _check_postgres, _check_room,
                *more):
        one()


def _check_odoo_home():
    """Check that ``ODOO_HOME`` holds Odoo 19.0: not 18, nor an online version between two."""
    if not os.environ.get("ODOO_HOME"):
        return
    home = paths.odoo_home()
    release = home / "odoo" / "release.py"
    if not release.exists():
        raise SystemExit(f"ODOO_HOME={home} holds no `odoo` package: name the folder that "
                         f"`{ODOO}` makes.")
    found = re.search(r"^version_info\s*=\s*\(\s*(.+?),\s*(\d+)", release.read_text(), re.M)
    version = ".".join(found.groups()).replace("'", "").replace('"', "") if found else "unknown"
    if version != "19.0":
        raise SystemExit(f"ODOO_HOME={home} holds Odoo {version}, and these addons are for Odoo "
                         f"19.0: name the folder that `{ODOO}` makes.")


def _check_system():
    """Check that the system is a current Debian, or has already what would be installed there."""
    if system.automatic():
        system.check_can_install()
        return
    lacks = _lacks()
    if lacks:
        name = system.os_release().get("PRETTY_NAME", "This system")
        reason = "has no apt-get" if system.is_debian() else "is not Debian 12 or 13"
        raise SystemExit(f"{name} {reason}, so install yourself: {'; '.join(lacks)}.")


def _lacks():
    """List what is missing, and how to get it."""
    lacks = []
    if not os.environ.get("ODOO_HOME"):
        lacks.append(f"Odoo 19.0 (`{ODOO}`, then ODOO_HOME=its folder)")
    if postgres.is_private() and not postgres.has_server():
        lacks.append("PostgreSQL 13 or newer (packaged, or PGHOST, PGPORT, PGUSER and PGPASSWORD "
                     "of a server)")
    elif not postgres.is_private() and not shutil.which("psql"):
        lacks.append("PostgreSQL's client psql (package postgresql-client)")
    if not importlib.util.find_spec("ensurepip"):
        lacks.append("Python's venv (package python3-venv)")
    try:
        for library in ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0"):
            ctypes.CDLL(library)
    except OSError:
        lacks.append("Pango (packages libpango-1.0-0, libpangoft2-1.0-0, libharfbuzz-subset0)")
    return lacks


def check_test_programs():
    """Check the programs that only tests call; :mod:`system` installs them on Debian."""
    missing = [name for name in ("chromium", "pdftotext") if not shutil.which(name)]
    if missing and not system.automatic():
        raise SystemExit(f"The tests call {' and '.join(missing)}: install Chromium as "
                         "/usr/bin/chromium, and the package poppler-utils.")


def _check_house():
    """Check that the cluster in ``.house`` was made here, and by a PostgreSQL that is installed."""
    if postgres.is_private():
        problem = postgres.cluster_problem()
        if problem:
            raise SystemExit(f"{problem}: `make clean` here, then the same command again.")


def _check_postgres():
    """Check the server that the PG* variables name."""
    if not postgres.is_private() and shutil.which("psql"):
        postgres.check_server()


def _check_room():
    """Check the room on the disks, those of the system's packages and of ``.house``."""
    made = (paths.HOUSE / "stamps" / "venv").exists()
    needs = {paths.ROOT: RUNNING_GB if made else HOUSE_GB}
    if system.automatic() and system.missing_packages():
        needs["/usr"] = SYSTEM_GB
    disks = {}
    for folder, gigabytes in needs.items():
        disk = disks.setdefault(os.stat(folder).st_dev, [folder, 0])
        disk[1] += gigabytes
    for folder, gigabytes in disks.values():
        free = shutil.disk_usage(folder).free
        if free < gigabytes * GB:
            raise SystemExit(f"{gigabytes} GB of disk are needed for {folder}, and "
                             f"{free / GB:.1f} GB are free: make room, or use a checkout on "
                             "another disk.")


def check_ports():
    """Check the ports of the demo's first day, which its pages, mails and payments name."""
    known = paths.known_ports()
    for name, process in server.LISTENERS.items():
        port = known.get(name)
        if port and not server.running(process) and paths.port_answers(port):
            raise SystemExit(f"Port {port} is taken by another program, and the demo's addresses "
                             f"lead there: end that program, or `make clean` to start anew.")
