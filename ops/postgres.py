"""A private PostgreSQL cluster on a free port, unless the PG* variables name a server."""

import hashlib
import os
import secrets
import shutil
import subprocess
from pathlib import Path

from . import paths
from .steps import StepError, output_of, run, step

PASSWORD = paths.HOUSE / "pg-password"
OLDEST = 13  # version that Odoo 19 works with
# A cluster for development and demonstration: what it holds can be made again, so it does not
# wait for the disk. Never use these settings for books that matter. (The compiler of queries is
# for those that take seconds: Odoo's are many and short, and it took a third of the server's time.)
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 600
shared_buffers = 512MB
fsync = off
synchronous_commit = off
full_page_writes = off
jit = off
"""


def is_private():
    """Tell whether the server is our own, in ``.house``."""
    return not os.environ.get("PGHOST")


def _installed(name):
    """Find the versions of a program of PostgreSQL's.

    :return: dict of major version to the path of this program
    """
    found = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")  # Debian's place: not on PATH
    return {int(path.parent.parent.name): str(path) for path in found}


def _bin(name):
    found = _installed(name)
    if found:
        return found[max(found)]
    if shutil.which(name):
        return shutil.which(name)
    raise StepError(f"PostgreSQL's {name} was not found", "Install the package `postgresql`")


def _pg_ctl(data):
    """Return ``pg_ctl`` of the version that made the cluster; None when that is not installed."""
    found = _installed("pg_ctl")
    return found.get(int((data / "PG_VERSION").read_text())) if found else shutil.which("pg_ctl")


def has_server():
    """Tell whether a PostgreSQL server is installed."""
    return bool(_installed("initdb") or shutil.which("initdb"))


def cluster_problem():
    """Say why the private cluster cannot be used; None when it can."""
    data = _folder() / "data"
    if not (data / "PG_VERSION").exists():
        return None
    if not _pg_ctl(data):
        version = (data / "PG_VERSION").read_text().strip()
        return f"{data} was made by PostgreSQL {version}, which is not installed any more"
    if not _is_at_home(data):
        return f"{data} was copied or moved while its server ran"
    return None


def _is_at_home(data):
    """Tell whether the process that the cluster names, if it lives, serves this folder."""
    named = data / "postmaster.pid"
    if not named.exists():
        return True
    process, folder = named.read_text().splitlines()[:2]
    return Path(folder) == data or not Path("/proc", process).exists()


def _as_owner(command):
    """Let root hand the command to the `postgres` user: PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


def _folder():
    """Return the cluster's folder: in ``.house``, or below /var/lib where `postgres` cannot enter
    it.
    """
    inside = paths.HOUSE / "pg"
    if os.geteuid() != 0:
        return inside
    reachable = subprocess.run(
        ["runuser", "-u", "postgres", "--", "test", "-x", str(paths.ROOT)], check=False)
    if reachable.returncode == 0:
        return inside
    return Path("/var/lib/odoo-credits") / hashlib.sha256(bytes(paths.ROOT)).hexdigest()[:8]


def _password():
    if not PASSWORD.exists():
        PASSWORD.parent.mkdir(parents=True, exist_ok=True)
        PASSWORD.touch(mode=0o600)
        PASSWORD.write_text(secrets.token_urlsafe(24))
    return PASSWORD.read_text()


def environment():
    """Return the PG* variables for our own processes (empty when the user set PGHOST)."""
    if not is_private():
        return {}
    return {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(paths.remembered_port("postgres", 5469)),
        "PGUSER": "odoo",
        "PGPASSWORD": _password(),
    }


def _running(data):
    """Tell whether its server runs; if it does not, nothing of the cluster has to exist."""
    return (data / "PG_VERSION").exists() and _pg_ctl(data) and _is_at_home(data) \
        and subprocess.run(_as_owner([_pg_ctl(data), "-D", str(data), "status"]),
                           capture_output=True, cwd="/").returncode == 0


def _create(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(_password())
    if os.geteuid() == 0:
        for path in (folder, secret):
            shutil.chown(path, "postgres")
    data = folder / "data"
    run(_as_owner([_bin("initdb"), "-D", data, "-U", "odoo", "-E", "UTF8", "--locale=C.UTF-8",
                   "--auth=scram-sha-256", f"--pwfile={secret}"]),
        "postgres", "Remove .house/pg and try again", cwd="/")
    secret.unlink()
    with (data / "postgresql.conf").open("a") as conf:
        conf.write(SETTINGS)


def check_server():
    """Check that the server that the PG* variables name can be used.

    :raise SystemExit: with a sentence, when it cannot
    """
    row = output_of(["psql", "-d", "postgres", "-tAc", """
        SELECT current_setting('server_version_num')::int / 10000, rolname,
               rolcreatedb OR rolsuper
          FROM pg_roles WHERE rolname = current_user"""])
    where = f"PGHOST={os.environ['PGHOST']}"
    if not row:
        raise SystemExit(f"The server at {where} does not answer; check the PG* variables, or "
                         "unset PGHOST for a private one.")
    version, role, creates = row.split("|")
    if int(version) < OLDEST:
        raise SystemExit(f"The server at {where} is PostgreSQL {version}, and Odoo 19 needs "
                         f"{OLDEST} or newer: unset PGHOST for a private one.")
    if role == "postgres":
        raise SystemExit("Odoo refuses to work as PostgreSQL's user postgres: make another "
                         "(createuser --createdb odoo) and name it in PGUSER.")
    if creates != "t":
        raise SystemExit(f"PostgreSQL's user {role} at {where} may not create databases: "
                         f'ALTER ROLE "{role}" CREATEDB.')


def start():
    """Create the cluster when there is none, start it when it is stopped."""
    if not is_private():
        check_server()
        return
    folder = _folder()
    data = folder / "data"
    if not PASSWORD.exists():  # what stands below /var/lib is of a house that is gone
        remove()
    if _running(data):
        return
    with step("PostgreSQL (private cluster)"):
        if not (data / "PG_VERSION").exists():
            _create(folder)
        if paths.port_answers(paths.remembered_port("postgres", 5469)):
            paths.forget_port("postgres")
        port = paths.remembered_port("postgres", 5469)
        run(_as_owner([_pg_ctl(data), "-D", data, "-l", folder / "log", "-o", f"-p {port}",
                       "-w", "start"]),
            "postgres", f"Read {folder}/log", cwd="/")


def stop():
    """Stop the private server, if it runs."""
    data = _folder() / "data"
    if is_private() and _running(data):
        subprocess.run(_as_owner([_pg_ctl(data), "-D", str(data), "-m", "fast", "stop"]),
                       capture_output=True, cwd="/")


def remove():
    """Remove the private cluster, or our databases from the server that PG* names."""
    if is_private():
        stop()
        shutil.rmtree(_folder(), ignore_errors=True)
    elif shutil.which("psql"):
        for name in databases():
            if name.startswith("caps_"):
                drop(name)


def query(sql, database="postgres"):
    """Return rows of a statement as printed by ``psql -tA``: enough for small questions."""
    return output_of([_bin("psql"), "-d", database, "-tAc", sql], env=environment())


def databases():
    """List the names of all databases."""
    return query("SELECT datname FROM pg_database").splitlines()


def drop(name):
    """Drop a database and its filestore."""
    query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    shutil.rmtree(paths.DATA / "filestore" / name, ignore_errors=True)


def copy(source, target):
    """Copy a database (``CREATE DATABASE … TEMPLATE``), its attachments as hard links."""
    drop(target)
    run([_bin("psql"), "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c",
         f'CREATE DATABASE "{target}" TEMPLATE "{source}"'],
        "postgres", f"Close the connections to {source}", env=environment())
    files = paths.DATA / "filestore"
    if (files / source).exists():
        shutil.copytree(files / source, files / target, copy_function=os.link)


def rename(source, target):
    """Put a database in the place of another, which is dropped."""
    drop(target)
    run([_bin("psql"), "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c",
         f'ALTER DATABASE "{source}" RENAME TO "{target}"'],
        "postgres", f"Close the connections to {source}", env=environment())
    files = paths.DATA / "filestore"
    if (files / source).exists():
        (files / source).rename(files / target)
