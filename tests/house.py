"""A copy of the demo with real servers around it: what the tests of this folder act upon."""

import contextlib
import copy
import itertools
import os
import re
import subprocess
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import requests

from ops import database, paths, postgres
from sandbox.lms import Lms
from sandbox.mail import Mailbox, html_of

CONTROLS = Path(__file__).parent / "negative_control"
NO_GUARD = CONTROLS / "no_guard"
NO_PAYMENT_LOCK = CONTROLS / "no_payment_lock"
NO_ROOM_FOR_PAYMENT = CONTROLS / "no_room_for_payment"


class House:
    """Two Odoo processes on one database, an SMTP server and an LMS.

    :param str name: the database, made anew from the demo's template
    :param Path control: a module for the servers to load, which switches off a guard of ours
    :param int crons: how many threads of the first server run scheduled actions
    """

    template = paths.TEMPLATE_DEMO
    modules = ()  # more of Odoo's own to install

    def __init__(self, name, folder, control=None, processes=2, crons=1):
        self.name = name
        self.folder = Path(folder)
        self.control = control
        self.crons = crons
        # One at least: the database knows its address before any server runs.
        self.ports = [paths.free_port() for _process in range(max(processes, 1))]
        self.mailbox = Mailbox(self.folder / "mails", smtp_port=paths.free_port())
        self.lms = Lms()
        self.processes = []
        self.hours = itertools.count()

    @property
    def urls(self):
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    @property
    def url(self):
        return self.urls[0]

    def start(self):
        self.create()
        for number, port in enumerate(self.ports):
            self.processes.append(self._launch(number, port))
        self._wait()
        return self

    def create(self):
        """Make the database without its servers: enough for tests that only talk to it."""
        self.mailbox.start()
        self.lms.start()
        postgres.copy(self.template, self.name)
        database.set_addresses(self.name, self.ports[0], self.lms.http_port)
        if self.modules:
            subprocess.run(
                self._command("-i", ",".join(self.modules), "--stop-after-init", "--no-http",
                              "--max-cron-threads=0"),
                env=self._environment(), check=True, capture_output=True, cwd=paths.ROOT)
        return self

    def _command(self, *arguments):
        options = database.odoo_options()
        if self.control:
            options[options.index("--addons-path") + 1] += f",{self.control.parent}"
            options.append(f"--load=base,rpc,web,{self.control.name}")
        return [str(paths.PYTHON), str(paths.ODOO_BIN), "server", *options, "-d", self.name,
                "--smtp", "127.0.0.1", "--smtp-port", str(self.mailbox.smtp_port), *arguments]

    def _environment(self):
        return {**os.environ, **postgres.environment(), "ODOO_MAX_HTTP_THREADS": "24"}

    def _launch(self, number, port):
        """Start one server process; only the first runs the scheduled actions."""
        log = (self.folder / f"odoo-{number}.log").open("ab")
        return subprocess.Popen(
            self._command(
                "--http-interface=127.0.0.1", f"--http-port={port}",
                f"--gevent-port={paths.free_port()}",
                f"--max-cron-threads={self.crons if number == 0 else 0}"),
            stdout=log, stderr=subprocess.STDOUT, env=self._environment(), cwd=paths.ROOT)

    def kill(self, number):
        """Kill the server, which has no time to say goodbye to anybody."""
        self.processes[number].kill()
        self.processes[number].wait()

    def restart(self, number):
        """Start a killed server again, and wait until it answers."""
        self.processes[number] = self._launch(number, self.ports[number])
        self._wait([self.urls[number]])

    @contextlib.contextmanager
    def guard_off(self, control):
        """Let visitors meet another server inside the block, with a guard of ours switched off: a
        negative control that needs no house of its own.
        """
        guarded, self.ports[0] = self.ports[0], paths.free_port()
        self.control = control
        server = self._launch(len(self.processes), self.ports[0])
        self.control = None
        try:
            self._wait([self.url])
            yield
        finally:
            self.ports[0] = guarded
            server.kill()
            server.wait()

    def _wait(self, urls=None):
        deadline = time.monotonic() + 120
        for url in urls or self.urls:
            while True:
                with contextlib.suppress(requests.RequestException):
                    if requests.get(f"{url}/web/health", timeout=5).ok:
                        break
                assert time.monotonic() < deadline, self.log()[-3000:]
                time.sleep(0.2)

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=30)
        self.mailbox.stop()
        self.lms.stop()
        postgres.drop(self.name)

    def log(self):
        return "".join(
            file.read_text(errors="replace") for file in sorted(self.folder.glob("odoo-*.log")))

    def errors(self):
        """List the lines of the logs in which a server complains.

        Left out is what Odoo logs and then repairs: a statement refused for serialization is
        tried again, and a mail that another thread has just sent is gone from the queue.
        """
        return [line for line in self.log().splitlines()
                if re.search(r" (ERROR|CRITICAL) ", line)
                and "odoo.sql_db: bad query" not in line
                and "Failed processing mail queue" not in line]

    @contextlib.contextmanager
    def env(self):
        """Yield an Odoo environment on the database, for preparing and for reading; commits."""
        from odoo import SUPERUSER_ID, api
        from odoo.modules.registry import Registry
        from odoo.tools import config

        if config["db_name"] != [self.name]:
            config.parse_config([*database.odoo_options(), "-d", self.name], setup_logging=False)
        with Registry(self.name).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {"lang": "fr_FR", "tz": "Europe/Paris"})

    def sql(self, query):
        return postgres.query(query, self.name)

    def execute(self, statement):
        with contextlib.closing(psycopg2.connect(dbname=self.name)) as connection, \
                connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def rows(self, query):
        """Return the rows of a query; unlike :meth:`sql` it fails aloud."""
        with contextlib.closing(psycopg2.connect(dbname=self.name)) as connection, \
                connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def customer(self, credits=0, name=None):
        """Make a portal user, with a wallet when there are credits to put into it, and a
        browser-like session logged in.

        :return: the :class:`Visitor`
        """
        return self.customers(1, credits or None, **({"name": name} if name else {}))[0]

    def customers(self, count, credits=0, **vals):
        """Make many customers at once, signed in without the seconds their passwords take.

        :param credits: in the wallet of each; None: there is no wallet yet
        :return: list of :class:`Visitor`
        """
        with self.env() as env:
            users = self._portal_users(env, count, **vals)
            if credits is not None:
                wallets = env["credit.wallet"]._of_all(users.partner_id, env.company)
            if credits:
                env["credit.wallet"]._grant_all("adjustment", [{
                    "wallet": wallets[user.partner_id], "credits": credits, "value": 0.0,
                    "key": f"test:{user.login}", "expiry_date": False,
                    "entry_vals": {"reason": "Test"}} for user in users])
            return [self._visitor(user) for user in users]

    def sign_up_link(self, login):
        """Return the link in the mail to who signs up, by which they choose their password."""
        mail = self.mailbox.wait_for_mail(login, "confirmez votre adresse")
        return re.search(r'href="([^"]*confirmed=[^"]*)"', html_of(mail))[1].replace("&amp;", "&")

    def administrator(self):
        """Return the back office's first user, signed in."""
        with self.env() as env:
            return self._visitor(env.ref("base.user_admin"))

    def _portal_users(self, env, count, **vals):
        return env["res.users"].with_context(no_reset_password=True).create([
            {**self._portal_vals(env, f"{uuid.uuid4().hex[:12]}@example.com"), **vals}
            for _user in range(count)])

    def _portal_vals(self, env, login):
        """Prepare a customer with the address an invoice needs."""
        return {
            "name": f"Client {login[:4]}", "login": login, "email": login, "lang": "fr_FR",
            "tz": "Europe/Paris", "group_ids": [(6, 0, [env.ref("base.group_portal").id])],
            "street": "1 rue Longue", "zip": "69001", "city": "Lyon",
            "country_id": env.ref("base.fr").id, "phone": "+33612345678"}

    def _visitor(self, user):
        """Return the browser of somebody who has signed in before."""
        visitor = Visitor(self, partner_id=user.partner_id.id)
        visitor.login = user.login
        visitor.http.cookies.set("session_id", self._signed_in(user))
        return visitor

    def _signed_in(self, user):
        """Make the cookie of a session as the login form would have opened it."""
        from odoo import http
        from odoo.service import security

        session = http.root.session_store.new()
        session.update(
            http.get_default_session(), db=self.name, _trace_disable=True, uid=user.id,
            login=user.login, context={"lang": "fr_FR", "tz": "Europe/Paris", "uid": user.id})
        session.session_token = security.compute_session_token(session, user.env(user=user.id))
        http.root.session_store.save(session)
        return session.sid

    def session(self, capacity=10, price=2, days=None, **vals):
        """Make a published session of a training.

        :param int days: from now; by default a month and more, each session at its own time, for
            a customer is asked twice before booking two at the same time
        :return: its id
        """
        from datetime import datetime, timedelta

        with self.env() as env:
            training = env["event.type"].search([("is_training", "=", True)], limit=1)
            begin = datetime.now().replace(microsecond=0) + (
                timedelta(days=30, hours=3 * next(self.hours)) if days is None
                else timedelta(days=days))
            return env["event.event"].create({
                "name": f"Atelier {uuid.uuid4().hex[:6]}", "event_type_id": training.id,
                "date_begin": begin, "date_end": begin + timedelta(hours=2),
                "credit_price": price, "seats_limited": True, "seats_max": capacity,
                "is_published": True, **vals}).id


class Visitor:
    """Somebody with a browser's manners: keeps cookies, reads tokens from pages."""

    def __init__(self, house, login=None, password=None, partner_id=None):
        self.house = house
        self.login = login
        self.password = password
        self.partner_id = partner_id
        self.http = requests.Session()
        self.http.headers["Accept-Language"] = "fr-FR,fr;q=0.9"
        if login:
            self.sign_in()

    def twin(self):
        """Open another tab of the same browser: same cookies, its own connections."""
        twin = copy.copy(self)
        twin.http = requests.Session()
        twin.http.headers.update(self.http.headers)
        twin.http.cookies.update(self.http.cookies)
        return twin

    def get(self, path, server=0, **options):
        return self.http.get(f"{self.house.urls[server]}{path}", timeout=120, **options)

    def post(self, path, data, server=0, **options):
        return self.http.post(
            f"{self.house.urls[server]}{path}", data=data, timeout=120, **options)

    def sign_in(self):
        page = self.get("/web/login")
        answer = self.post("/web/login", {
            "csrf_token": field(page.text, "csrf_token"),
            "login": self.login, "password": self.password})
        assert "/web/login" not in answer.url, f"{self.login} could not sign in"

    def csrf(self, path="/trainings"):
        """Return the session's token, as every page carries it for its scripts."""
        return re.search(r'csrf_token: "([^"]+)"', self.get(path).text)[1]

    def booking_form(self, session_id, server=0):
        """Return the hidden fields of the booking form, as the page gave them."""
        page = self.get(f"/trainings/{session_id}", server)
        assert page.status_code == 200, page.status_code
        return {name: field(page.text, name) for name in ("csrf_token", "token", "price")}

    def book(self, session_id, form=None, server=0):
        return self.post(
            f"/trainings/{session_id}/book", form or self.booking_form(session_id, server),
            server)


def field(page, name):
    """Return the value of a hidden input of the page."""
    for pattern in (rf'name="{name}"[^>]*value="([^"]*)"', rf'value="([^"]*)"[^>]*name="{name}"'):
        found = re.search(pattern, page)
        if found:
            return found[1]
    raise AssertionError(f"no field {name!r} in the page")


def alert(page):
    """Return the text of the page's booking error, tags removed."""
    found = re.search(r'class="o_booking_(?:error|unavailable)[^>]*>(.*?)</div>', page, re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[1])).strip() if found else ""


def at_once(actions):
    """Call all of them at the same moment, each in a thread.

    :return: the answers, in the same order; an action that failed fails the test
    """
    barrier = threading.Barrier(len(actions))

    def act(action):
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(act, actions))
