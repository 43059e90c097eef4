"""Where things are. All that is made by these tools lives in one ignored folder, ``.house``."""

import hashlib
import json
import os
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / ".house"
ADDONS = ROOT / "addons"
MIDDLEWARE = ROOT / "clients" / "quota_middleware"
LOGS = HOUSE / "log"
ODOO_BIN = ROOT / "odoo-bin"  # starts Odoo in the way that survives a reload
VENV = HOUSE / "venv"
PYTHON = VENV / "bin" / "python"
DATA = HOUSE / "data"
MAILS = HOUSE / "mails"

TEMPLATE_BASE = "caps_base"  # Odoo's own modules
TEMPLATE = "caps_template"  # and ours
TEMPLATE_DEMO = "caps_template_demo"  # and the demo company
TEMPLATE_TESTS = "caps_template_tests"  # ours, with all scripts compiled, for the addons' tests
DEMO = "caps_demo"
DEMO_NEXT = "caps_demo_next"  # its update, until it has succeeded


def our_addons():
    """List the technical names of the addons of this repository, in alphabetical order."""
    return sorted(path.parent.name for path in ADDONS.glob("*/__manifest__.py"))


def digest(*paths):
    """Hash the names and contents of files and folders, to know when to build again."""
    total = hashlib.sha256()
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                total.update(str(file.relative_to(ROOT)).encode())
                total.update(file.read_bytes())
    return total.hexdigest()


def stamp_matches(name, value):
    """Tell whether the value is the one noted under this name."""
    stamp = HOUSE / "stamps" / name
    return stamp.exists() and stamp.read_text() == value


def read_stamp(name):
    """Read what was noted as JSON under a name.

    :return: dict: empty when nothing was noted, or by an older checkout
    """
    stamp = HOUSE / "stamps" / name
    try:
        return json.loads(stamp.read_text())
    except (FileNotFoundError, ValueError):
        return {}


def set_stamp(name, value):
    """Note a value under a name."""
    stamp = HOUSE / "stamps" / name
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value)


def clear_stamp(name):
    """Forget what was noted under a name."""
    (HOUSE / "stamps" / name).unlink(missing_ok=True)


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_answers(port):
    """Tell whether something listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def known_ports():
    """Return the ports used last time, by name."""
    file = HOUSE / "ports.json"
    return json.loads(file.read_text()) if file.exists() else {}


def _remember_ports(ports):
    HOUSE.mkdir(exist_ok=True)
    (HOUSE / "ports.json").write_text(json.dumps(ports, indent=1))


def remembered_port(name, wished):
    """Return the port used for `name` last time, else the wished one, else a free one.

    A remembered port is returned as it is: our own server may be listening on it.
    """
    ports = known_ports()
    if name not in ports:
        ports[name] = free_port() if port_answers(wished) else wished
        _remember_ports(ports)
    return ports[name]


def forget_port(name):
    """Let another port be chosen: somebody else listens on the remembered one."""
    ports = known_ports()
    ports.pop(name, None)
    _remember_ports(ports)


def odoo_home():
    """Return the folder that holds the ``odoo`` Python package (``ODOO_HOME`` wins)."""
    if os.environ.get("ODOO_HOME"):
        return Path(os.environ["ODOO_HOME"]).resolve()
    return HOUSE / "odoo" / "usr" / "lib" / "python3" / "dist-packages"
