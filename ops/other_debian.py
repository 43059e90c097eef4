"""Try this checkout on another release of Debian: ``python3 -m ops.other_debian trixie [TEST …]``.

As root: makes a chroot with ``debootstrap`` (``apt-get install debootstrap``) that holds Python
and nothing else, copies the checkout into it, runs ``make demo`` there twice (the second time all
is there), and ``make test`` with the arguments given, if any. Prints how long each took. Not part
of continuous integration: it downloads a whole system.

The chroot stays in /var/tmp/odoo-credits-RELEASE: the next run copies the checkout again and
resumes. What runs inside ends with it, and so do its mounts: it has namespaces of its own. The
network is the machine's.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from . import paths, system

HOME = "srv/credits"  # the checkout, in the chroot
# Mounted in a namespace of their own; nothing has to be unmounted, whatever happens.
ENTER = """
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
cd "$1"
exec chroot . bash -c "cd /$2 && $3"
"""
# What a machine behind a proxy or with a certificate of its own tells its programs.
NETWORK = ("http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL", "PIP_CERT",
           "PIP_DEFAULT_TIMEOUT")
APT_NETWORK = r"Acquire::(Check|https?::)"


def _make(root, release):
    """Make a bare system, with the one thing that README asks for: Python."""
    if (root / "etc" / "debian_version").exists() and not (root / "debootstrap").exists():
        return
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(
        ["debootstrap", "--variant=minbase", "--include=python3", release, root,
         system.debian_mirror()], check=True)


def _copy_checkout(root):
    """Copy tracked and new files; what `make` made in the chroot before stays in its ``.house``."""
    home = root / HOME
    home.mkdir(parents=True, exist_ok=True)
    for old in home.iterdir():
        if old.name != ".house":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=paths.ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (paths.ROOT / name).exists():  # deleted, and not yet committed
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(paths.ROOT / name, home / name)
    for command in (["init", "--quiet"], ["add", "--all"]):  # tests ask git which files there are
        subprocess.run(["git", *command], cwd=home, check=True)


def _environment(root):
    """Return the environment of a login, with this machine's way to the network."""
    dump = subprocess.run(["apt-config", "dump"], check=True, capture_output=True, text=True)
    (root / "etc/apt/apt.conf.d/90network").write_text("".join(
        f"{line}\n" for line in dump.stdout.splitlines() if re.match(APT_NETWORK, line)))
    kept = {name: os.environ[name] for name in NETWORK if os.environ.get(name)}
    if "PIP_CERT" in kept:  # in a place that no package writes to
        shutil.copy(kept["PIP_CERT"], root / "srv/certificates.pem")
        kept["PIP_CERT"] = "/srv/certificates.pem"
    return {**kept, "HOME": "/root", "LANG": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb"),
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def _time(root, environment, command):
    """Run a command and print how long it took.

    :return: the exit code
    """
    print(f"\n===== {command}", flush=True)
    started = time.monotonic()
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-ec", ENTER, "-",
         root, HOME, command], env=environment, check=False)
    seconds = time.monotonic() - started
    print(f"===== {command}: code {done.returncode}, {seconds:.0f} s", flush=True)
    return done.returncode


def main(release, tests):
    """Try the commands in a chroot of the other Debian.

    :return: the exit code of the first command that failed, or 0
    """
    if os.geteuid() or not shutil.which("debootstrap"):
        sys.exit("This needs root, and debootstrap: apt-get install debootstrap")
    root = Path("/var/tmp") / f"odoo-credits-{release}"
    _make(root, release)
    _copy_checkout(root)
    environment = _environment(root)
    # What runs is killed at the end, and a database of ours does not wait for the disk: stop it.
    commands = ["cat /etc/debian_version && python3 --version && python3 -m ops demo && make stop",
                "make demo && make stop"]
    if tests:
        commands.append(f"make test ARGS='{' '.join(tests)}'; code=$?; make stop; exit $code")
    for command in commands:
        code = _time(root, environment, command)
        if code:
            return code
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
