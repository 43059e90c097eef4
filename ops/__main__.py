"""``python3 -m ops <command>``: what the Makefile calls.

demo    make everything ready, start the demo, say where it is
demo-api  and the sample application of the quota middleware beside it
test    make everything ready, run every test, count
lint    ruff, pylint-odoo, who depends on whom, XML, translations
stop    stop the demo and the database server
clean   remove all that was made (the .house folder and the cluster)
shell   an Odoo shell on the demo database
update  install what changed in the addons into the running demo
i18n    write the .pot files again and bring fr.po in step
bench   measure beside a peer: `bench wallet`, `booking`, `billing`, `quota`, `pdf`; `--quick`
"""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from . import bench, database, demo_api, lint, paths, postgres, server, system, testing
from .steps import run, step


def _get_software():
    system.install_packages()
    _side_by_side(system.get_odoo, system.make_venv)


def _prepare():
    _get_software()
    postgres.start()


def _side_by_side(*steps):
    """Steps that do not need each other; the failure of one is said when all have ended."""
    with ThreadPoolExecutor() as pool:
        for running in [pool.submit(work) for work in steps]:
            running.result()


def demo():
    started = time.monotonic()
    _prepare()
    anew = paths.DEMO not in postgres.databases()
    with step("Payment server"):
        server.start_payments(anew)
    if anew:
        database.ensure_demo_template()
        with step("Database: the demo's own copy"):
            postgres.copy(paths.TEMPLATE_DEMO, paths.DEMO)
            wanted = server.ports()
            database.set_addresses(paths.DEMO, wanted["http"], wanted["world"])
    server.start_world()
    try:
        _side_by_side(*filter(None, [_start_odoo, anew and _make_payments]))
    except BaseException:
        if anew:  # a demo with only some of its payments is none
            server.stop("odoo")
            postgres.drop(paths.DEMO)
        raise
    url = f"http://127.0.0.1:{server.ports()['http']}"
    _say_where(url, time.monotonic() - started)
    return url


def _start_odoo():
    with step("Odoo"):
        url = server.start_odoo(paths.DEMO)
    with step("First pages"):
        for page in ("/", "/web/login", "/shop", "/event", "/trainings"):
            server.answers(url + page, timeout=120)


def _make_payments():
    """By card; they end when Odoo has acted upon the last webhook."""
    with step("Payments by card: renewals, refusals, a refund, a dispute"):
        run([paths.PYTHON, "-m", "ops.demo_payments", "-d", paths.DEMO,
             *database.odoo_options()], "payments-demo", "Read the log",
            env={**postgres.environment(),
                 "PAYMENT_SERVER": f"http://127.0.0.1:{server.ports()['payments']}"})


def _say_where(url, seconds):
    world = f"http://127.0.0.1:{server.ports()['world']}"
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
  4. {world}/mails — every mail the demo sends; the link in them opens the demo LMS.
  5. {url}/odoo — as admin: Credits and Events.
  6. {url}/odoo — as comptable: Abonnements > Impayé, « Relancer le paiement »
     asks the payment server: Julien Faure's card pays this time, Marc Dubois's is lost, Aïcha
     Diallo's bank wants to see her (her mail has the link).
  7. Facturation > Clients: Litiges (answer one), Écarts avec Stripe (tick « Payé chez Stripe, pas
     ici », « Reprendre de Stripe »), then Analyse > Rapprochement Stripe: after « Récupérer » it
     agrees to the cent. Configuration > Paiements en ligne > Santé de Stripe shows the webhooks.

make stop · make update (after a change) · make shell · make clean
""")


def run_demo_api():
    demo_api.start(demo())


def test():
    started = time.monotonic()
    _prepare()
    _side_by_side(system.add_test_packages, database.ensure_template)
    wanted = [
        testing.wants_addons(sys.argv[2:]) and database.ensure_test_template,
        testing.wants_flows(sys.argv[2:]) and database.ensure_demo_template]
    _side_by_side(*filter(None, wanted))
    sys.exit(testing.main(sys.argv[2:], started))


def stop():
    server.stop()
    postgres.stop()


def clean():
    server.stop()
    postgres.remove()
    shutil.rmtree(paths.HOUSE, ignore_errors=True)


def shell():
    postgres.start()
    os.environ.update(postgres.environment())
    command = database.odoo("shell", "-d", paths.DEMO, "--no-http")
    os.execv(command[0], command)


def update():
    """Upgrade our addons in the demo's database; its records stay."""
    _prepare()
    server.stop()
    with step("Update of our addons"):
        names = ",".join(paths.our_addons())
        run(database.odoo("server", "-d", paths.DEMO, "-i", names, "-u", names,
                          "--stop-after-init", "--max-cron-threads=0", "--no-http"),
            "database", "Read the log", env=postgres.environment())
    demo()


def i18n():
    """Export each addon's terms from a fresh template, and merge them into fr.po."""
    _prepare()
    database.ensure_template()
    names = paths.our_addons()
    conf = paths.HOUSE / "i18n.conf"
    conf.write_text(f"[options]\naddons_path = {paths.ADDONS}\ndata_dir = {paths.DATA}\n")
    with step("Terms of the addons"):
        run([paths.PYTHON, "-m", "odoo", "i18n", "export", "-c", conf, "-d", paths.TEMPLATE,
             *names], "i18n", "Read the log", env=postgres.environment())
    folders = [str(paths.ADDONS / name / "i18n") for name in names]
    subprocess.run([str(paths.PYTHON), str(paths.ROOT / "ops" / "i18n.py"), *folders], check=True)


def run_bench():
    _prepare()
    system.add_test_packages()
    database.ensure_demo_template()
    sys.exit(bench.main(sys.argv[2:]))


def run_lint():
    _get_software()
    system.add_test_packages()
    sys.exit(lint.main())


COMMANDS = {"demo": demo, "demo-api": run_demo_api, "test": test, "lint": run_lint,
            "stop": stop, "clean": clean, "shell": shell, "update": update, "i18n": i18n,
            "bench": run_bench}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]]()
