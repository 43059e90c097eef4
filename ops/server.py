"""Start, wait for, and stop the Odoo server of the demo and the outside world (``sandbox/``)."""

import os
import signal
import subprocess
import time
import urllib.request

from . import database, paths, postgres
from .steps import StepError

HTTP_PORT = 8069
MAIL_PORT = 8070  # the demo's mailbox, read in a browser
LMS_PORT = 8073  # the pages of its courses
SMTP_PORT = 8025
PAYMENT_PORT = 8071  # the payment server, in Stripe's place
# Which of our processes listens on which of the ports.
LISTENERS = {
    "http": "odoo", "mail": "mail", "smtp": "mail", "lms": "lms", "payments": "payments"}
PAYMENTS = paths.HOUSE / "payments.state"  # what it remembers


def ports():
    """Return the ports of the demo, by what listens on them."""
    return {
        "http": paths.remembered_port("http", HTTP_PORT),
        "gevent": paths.remembered_port("gevent", 8072),
        "mail": paths.remembered_port("mail", MAIL_PORT),
        "lms": paths.remembered_port("lms", LMS_PORT),
        "smtp": paths.remembered_port("smtp", SMTP_PORT),
        "payments": paths.remembered_port("payments", PAYMENT_PORT),
    }


def _pid_file(name):
    return paths.HOUSE / f"{name}.pid"


def running(name):
    """Return the process id of a background process of ours, or None."""
    file = _pid_file(name)
    if not file.exists():
        return None
    pid = int(file.read_text())
    try:
        command = open(f"/proc/{pid}/cmdline").read()
    except FileNotFoundError:
        return None
    return pid if str(paths.ROOT) in command else None


def launch(name, command, env=None):
    """Start a background process that writes into a log of its name."""
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    with (paths.LOGS / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True, cwd=paths.ROOT, env={**os.environ, **(env or {})})
    _pid_file(name).write_text(str(process.pid))
    return process


def answers(url, timeout=5):
    """Tell whether an address answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            return response.status == 200
    except OSError:
        return False


def start_mail_and_lms():
    """Start the SMTP server whose mails can be read, and the LMS, unless they run."""
    wanted = ports()
    for name, options in (
            ("mail", ["--smtp", str(wanted["smtp"]), "--mails", str(paths.MAILS)]), ("lms", [])):
        if not running(name):
            launch(name, [str(paths.PYTHON), "-m", f"sandbox.{name}",
                          "--port", str(wanted[name]), *options])


def start_payments(anew=False):
    """Start the payment server that the demo's Stripe provider talks to; see
    ``sandbox/stripe``.

    What it knows outlives it in a file, for the demo's database knows it, too.

    :param bool anew: forget all, for a new database
    :raise StepError: when it does not start
    """
    if anew:
        stop("payments")
        PAYMENTS.unlink(missing_ok=True)
    if running("payments"):
        return
    port = ports()["payments"]
    if paths.port_answers(port):
        raise StepError(f"port {port} is taken", "Stop who listens on it, or `make clean`")
    process = launch("payments", [
        str(paths.PYTHON), "-m", "sandbox.stripe", "--port", str(port),
        "--state", str(PAYMENTS)])
    _wait(process, lambda: paths.port_answers(port), "payments")


def start_odoo(db_name):
    """Start the server in the background and wait until it answers.

    :raise StepError: when it stops, or does not answer within two minutes.
    """
    wanted = ports()
    url = f"http://127.0.0.1:{wanted['http']}"
    process = None
    if not running("odoo"):
        process = launch("odoo", database.odoo(
            "server", "-d", db_name, "--http-interface=127.0.0.1",
            f"--http-port={wanted['http']}", f"--gevent-port={wanted['gevent']}",
            "--smtp", "127.0.0.1", "--smtp-port", str(wanted["smtp"]),
        ), env={**postgres.environment(), "ODOO_MAX_HTTP_THREADS": "24"})
    _wait(process, lambda: answers(f"{url}/web/health"), "odoo")
    return url


def _wait(process, ready, name):
    """Wait until the server answers.

    :param process: None: it was started before
    :raise StepError: when it stops, or is not ready within two minutes
    """
    deadline = time.monotonic() + 120
    while not ready():
        if (process and process.poll() is not None) or time.monotonic() > deadline:
            raise StepError("the server does not answer", f"Read .house/log/{name}.log")
        time.sleep(0.3)


def stop(*names):
    """Stop what we started, by default all of it; nothing when nothing runs."""
    for name in names or ("api", "odoo", "payments", "mail", "lms"):
        pid = running(name)
        if pid:
            os.kill(pid, signal.SIGTERM)
            for _tick in range(100):
                if not running(name):
                    break
                time.sleep(0.1)
            else:
                os.kill(pid, signal.SIGKILL)
        _pid_file(name).unlink(missing_ok=True)
