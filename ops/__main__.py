"""``python3 -m ops <command>``: what the Makefile calls.

demo    make everything ready, start the demo, say where it is
demo-api  and the sample application of the quota middleware beside it
test    make everything ready, run every test, count
lint    ruff, pylint, mypy, arrows, xml, french: all of them, or those named
stop    stop the demo and the database server
clean   remove all that was made (the .house folder and the cluster)
shell   an Odoo shell on the demo database
update  update all addons in the demo (`demo` updates those that changed)
i18n    write the .pot files again and bring fr.po in step
bench   measure beside a peer: `bench wallet`, `booking`, `billing`, `quota`, `pdf`; `--quick`
"""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from . import bench, database, demo_api, lint, machine, paths, postgres, server, system, testing
from .steps import StepError, run, step


def _get_software(*checks):
    machine.check(*checks)
    system.install_packages()
    _side_by_side(system.get_odoo, system.make_venv)


def _prepare(*checks):
    _get_software(*checks)
    postgres.start()


def _side_by_side(*steps):
    """Run steps that do not need each other side by side; report a failure when all have ended."""
    with ThreadPoolExecutor() as pool:
        for running in [pool.submit(work) for work in steps]:
            running.result()


def demo(update_all=False):
    """Make or update the demo, start it, and print its addresses."""
    started = time.monotonic()
    _prepare(machine.check_ports)
    anew = not database.has_demo()
    if not anew:
        _update_demo(update_all)
    with step("Payment server"):
        server.start_payments(anew)
    if anew:
        database.ensure_demo_template()
        with step("Database: the demo's own copy"):
            server.stop("odoo")
            database.begin_demo()
            wanted = server.ports()
            database.set_addresses(paths.DEMO, wanted["http"], wanted["lms"])
    server.start_mail_and_lms()
    _side_by_side(*filter(None, [_start_odoo, anew and _make_payments]))
    database.remember_demo()
    url = f"http://127.0.0.1:{server.ports()['http']}"
    _say_where(url, time.monotonic() - started)
    return url


def _update_demo(update_all):
    """Bring what changed in our addons into the demo's database; its records stay."""
    changed, added, restart = database.demo_changes()
    if update_all:
        changed = set(paths.our_addons()) - added
    if restart or changed or added:
        server.stop("odoo")
    if changed or added:
        database.update_demo(changed, added)


def _start_odoo():
    with step("Odoo"):
        url = server.start_odoo(paths.DEMO)
    with step("First pages"):
        for page in ("/", "/web/login", "/shop", "/event", "/trainings"):
            server.answers(url + page, timeout=120)


def _make_payments():
    """Make payments by card, and wait until Odoo has acted upon the last webhook."""
    with step("Payments by card: renewals, refusals, a refund, a dispute"):
        run([paths.PYTHON, "-m", "ops.demo_payments", "-d", paths.DEMO,
             *database.odoo_options()], "payments-demo", "Read the log",
            env={**postgres.environment(),
                 "PAYMENT_SERVER": f"http://127.0.0.1:{server.ports()['payments']}"})


def _say_where(url, seconds):
    mailbox = f"http://127.0.0.1:{server.ports()['mail']}"
    print(f"""
Ready in {seconds:.0f} s: {url}

  login                          password      who
  admin                          admin         administrator
  comptable@insaho.example       comptable     accountant
  client@insaho.example          client        customer with 12 credits
  responsable@acme.example       responsable   training manager of a customer company
  employee@acme.example          employee      employee of that company

Try first
  1. {url}/trainings — as client: open a session, book it with credits.
  2. {url}/my — wallet, trainings, invoices.
  3. {url}/shop — buy a pack with the demo card (any number).
  4. {mailbox}/mails — every mail the demo sends; the link in them opens the demo LMS.
  5. {url}/odoo — as admin: Credits and Events.
  6. {url}/odoo — as comptable: Abonnements > Impayé, « Relancer le paiement »
     asks the payment server: Julien Faure's card pays this time, Marc Dubois's was reported lost,
     Aïcha Diallo's bank asks for her authentication (her mail has the link).
  7. Facturation > Clients: Litiges (answer one), Écarts avec Stripe (tick « Payé chez Stripe, pas
     ici », « Reprendre de Stripe »), then Analyse > Rapprochement Stripe: after « Récupérer » it
     agrees to the cent. Configuration > Paiements en ligne > Santé de Stripe shows the webhooks.

make stop · make update (after a change) · make shell · make clean
""")


def run_demo_api():
    """Start the demo, and the example of an API that uses quotas."""
    demo_api.start(demo())


def test():
    """Run the tests: all, or those that ``ARGS`` selects."""
    started = time.monotonic()
    plan = testing.plan(sys.argv[2:])
    _prepare(machine.check_test_programs)
    _side_by_side(*filter(None, [
        system.add_test_packages,
        plan.runs and database.ensure_test_template,
        plan.flows is not None and database.ensure_template,
        plan.flows is not None and database.ensure_demo_template]))
    sys.exit(testing.main(plan, started))


def stop():
    """Stop the servers of the demo, and the private PostgreSQL."""
    server.stop()
    postgres.stop()


def clean():
    """Stop everything, and delete ``.house``."""
    server.stop()
    postgres.remove()
    shutil.rmtree(paths.HOUSE, ignore_errors=True)


def shell():
    """Open Odoo's shell on the demo's database."""
    postgres.start()
    os.environ.update(postgres.environment())
    command = database.odoo("shell", "-d", paths.DEMO, "--no-http")
    os.execv(command[0], command)


def update():
    """Update all of our addons in the demo, changed or not."""
    demo(update_all=True)


def i18n():
    """Export each addon's terms from a fresh template, and merge them into fr.po."""
    _prepare()
    database.ensure_template()
    names = paths.our_addons()
    conf = paths.HOUSE / "i18n.conf"
    conf.write_text(
        f"[options]\naddons_path = {database.addons_path()}\ndata_dir = {paths.DATA}\n")
    with step("Terms of the addons"):
        run([paths.PYTHON, "-m", "odoo", "i18n", "export", "-c", conf, "-d", paths.TEMPLATE,
             *names], "i18n", "Read the log", env=postgres.environment())
    folders = [str(paths.ADDONS / name / "i18n") for name in names]
    subprocess.run([str(paths.PYTHON), str(paths.ROOT / "ops" / "i18n.py"), *folders], check=True)


def run_bench():
    """Run a benchmark on templates that are up to date."""
    _prepare()
    system.add_test_packages()
    database.ensure_template()
    database.ensure_template()
    database.ensure_demo_template()
    sys.exit(bench.main(sys.argv[2:]))


def run_lint():
    """Run the checks of the sources."""
    _get_software()
    system.add_test_packages()
    sys.exit(lint.main(sys.argv[2:]))


COMMANDS = {"demo": demo, "demo-api": run_demo_api, "test": test, "lint": run_lint,
            "stop": stop, "clean": clean, "shell": shell, "update": update, "i18n": i18n,
            "bench": run_bench}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    try:
        COMMANDS[sys.argv[1]]()
    except StepError as error:
        sys.exit(f"{error}\n  → {error.remedy}")
