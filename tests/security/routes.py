"""Find the routes of our addons, and call them as different visitors: each request is taken back.

The requests are answered in this process by Odoo's own application, whose transactions end with a
rollback. So no request finds what another did, and their order does not matter.
"""

import contextlib
import dataclasses
import inspect
import itertools
import json
import os
import re
import threading
import tomllib
from types import SimpleNamespace
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

from ops import paths

from .tables import FOLDER, TOGETHER, entry

VISITORS = ["anonymous", "stranger", "owner", "developer", "learner", "employee", "administrator"]
# Words for visitors that often go together, as in the other tables.
TOGETHER_VISITORS = {
    word: [role for role in roles if role in VISITORS] for word, roles in TOGETHER.items()}
HOST = "127.0.0.1"
PARAMETER = re.compile(r"<(?:(\w+)(?:\(([^)]*)\))?:)?(\w+)>")


@dataclasses.dataclass(frozen=True)
class Route:
    """A method of a route.

    :ivar str method: GET or POST; HEAD goes where GET does
    :ivar str path: as the routing map has it, with its parameters
    :ivar str kind: http or jsonrpc
    :ivar bool csrf: whether a form needs the session's token
    """

    method: str
    path: str
    kind: str
    auth: str
    csrf: bool
    function: object = dataclasses.field(compare=False, hash=False, repr=False)

    @property
    def name(self):
        return f"{self.method} {self.path}"

    @property
    def parameters(self):
        """List the names of the path's parameters."""
        return [name for _converter, _arguments, name in PARAMETER.findall(self.path)]

    def fill(self, values):
        """Return a path with these values of its parameters.

        :raise KeyError: there is none for a parameter
        """
        return PARAMETER.sub(lambda match: str(values[match[3]]), self.path)


def our_routes(env):
    """List the routes whose method is defined in an addon of ours, overridden ones, too."""
    ours = {f"odoo.addons.{name}" for name in paths.our_addons()}
    routes = set()
    threading.current_thread().dbname = env.cr.dbname  # as in the thread of a request
    for rule in env["ir.http"].routing_map().iter_rules():
        method = rule.endpoint.func  # bound to the controller that all addons together make
        owners = [cls for cls in type(method.__self__).__mro__ if method.__name__ in vars(cls)]
        if not any(".".join(cls.__module__.split(".")[:3]) in ours for cls in owners):
            continue
        routing = rule.endpoint.routing
        kind = routing["type"]
        methods = routing["methods"] or (["POST"] if kind == "jsonrpc" else ["GET", "POST"])
        routes |= {Route(name, path, kind, routing["auth"],
                         kind == "http" and name == "POST" and routing.get("csrf", True),
                         inspect.unwrap(method.__func__))
                   for name in set(methods) & {"GET", "POST"} for path in _choices(rule.rule)}
    return sorted(routes, key=lambda route: (route.path, route.method))


def _choices(path):
    """List the paths with each value of its parameters that are a choice."""
    for match in PARAMETER.finditer(path):
        if match[1] == "any":
            return [chosen for value in match[2].split(",") for chosen in _choices(
                path.replace(match[0], value.strip().strip('"')))]
    return [path]


@dataclasses.dataclass
class Answer:
    """What came back.

    :ivar bool wrote: the request changed something in the database
    """

    status: int
    headers: object
    body: str
    wrote: bool

    @property
    def word(self):
        """Say what came back in one word of the table."""
        location = urlsplit(self.headers.get("Location") or "")
        if 300 <= self.status < 400:
            word = "login" if location.path == "/web/login" else str(self.status)
        else:
            word = self._json_word() or str(self.status)
        return word + "*" * self.wrote

    def _json_word(self):
        """Return the name of the error in an answer of JSON-RPC, whose status is always 200."""
        if "json" not in (self.headers.get("Content-Type") or ""):
            return None
        with contextlib.suppress(ValueError, AttributeError):
            error = json.loads(self.body).get("error")
            if isinstance(error, dict):
                return error["data"]["name"].rpartition(".")[2]
        return None


@contextlib.contextmanager
def as_request_thread(database):
    """Give the thread the marks of one that serves a request, and take away what Odoo adds.

    Odoo asks the thread for the address of its request, also when there is none any more: whatever
    ran next in this process was thought to be on a site of that name.
    """
    marks = vars(threading.current_thread())
    before = dict(marks)
    marks["dbname"] = database
    try:
        yield
    finally:
        for name in marks.keys() - before.keys():
            del marks[name]
        marks.update(before)


class Site:
    """Odoo's application in this process, for visitors of a world.

    :ivar dict cookies: by role, of its session
    """

    def __init__(self, world):
        self.world = world
        self.sids, self.tokens = {}, {}
        self.wrote = threading.local()
        self._sign_in()

    @contextlib.contextmanager
    def taken_back(self):
        """End every transaction in the block with a rollback, and note whether it wrote."""
        from odoo.http import FilesystemSessionStore
        from odoo.sql_db import Cursor

        site = self

        def commit(cursor):
            cursor.flush()
            cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
            site.wrote.value |= cursor.fetchone()[0]
            cursor.rollback()

        with patch.object(Cursor, "commit", commit), \
                patch.object(FilesystemSessionStore, "save", lambda store, session: None):
            yield

    def _sign_in(self):
        from odoo import http

        with self.world.house.env() as env:
            for role in VISITORS:
                if role == "anonymous":
                    session = http.root.session_store.new()
                    session.update(http.get_default_session(), db=self.world.house.name,
                                   _trace_disable=True, context={"lang": "en_US"})
                    http.root.session_store.save(session)
                    sid = session.sid
                else:
                    user = env["res.users"].browse(self.world.users[role])
                    sid = self.world.house._signed_in(user)
                self.sids[role] = sid
                self.tokens[role] = http.Request.csrf_token(
                    SimpleNamespace(env=env, session=SimpleNamespace(sid=sid)))

    def call(self, role, route, path, fields=None, token=True, method=None, headers=None):
        """Send a request, and take back what it did.

        :param dict fields: of the form, or of the query of a GET, or of JSON-RPC
        :param bool token: send the session's CSRF token
        """
        from werkzeug.test import Client

        from odoo import http

        fields = dict(fields or {})
        options = {"method": method or route.method, "base_url": f"http://{HOST}",
                   "environ_overrides": {"REMOTE_ADDR": HOST},
                   "headers": {"Cookie": f"session_id={self.sids[role]}; frontend_lang=fr_FR",
                               "Accept-Language": "fr-FR", **(headers or {})}}
        if route.kind == "jsonrpc":
            options["json"] = {"jsonrpc": "2.0", "method": "call", "params": fields}
        elif route.method == "POST":
            if token:
                fields["csrf_token"] = self.tokens[role]
            options["data"] = fields
        elif fields:
            options["query_string"] = urlencode(fields)
        self.wrote.value = False
        with as_request_thread(self.world.house.name), self.taken_back():
            try:
                answer = Client(http.root, use_cookies=False).open(path, **options)
                body = answer.get_data()
                answer.close()
            except Exception as error:  # in the middle of what was being sent
                return Answer(500, {}, repr(error), self.wrote.value)
        return Answer(answer.status_code, answer.headers, body.decode(errors="replace"),
                      self.wrote.value)


class RouteTable:
    """What each visitor of a route is answered: a section a route, a line for whose row it is.

    A word is the status, ``login`` for a redirection to the sign-in, or the error of JSON-RPC; a
    star says that the request wrote something.
    """

    def __init__(self, name):
        self.path = FOLDER / name
        self.sections = tomllib.loads(self.path.read_text())

    def compare(self, answers):
        """Compare what is with what the table says.

        :param dict answers: by route, by kind of row, by visitor: a word
        :return: a list of sentences, and the routes that they speak of
        """
        said, routes = [], set()
        for route in sorted(self.sections.keys() - answers.keys()):
            said.append(f"{route}: is in {self.path.name}, and there is no such route of ours")
        for route, lines in answers.items():
            told = {kind: self._read(text) for kind, text in self.sections.get(route, {}).items()}
            found = [f"{route}: is not in {self.path.name}"] if route not in self.sections else [
                f"{route}, {kind}, {role}: is {lines.get(kind, {}).get(role)}, table says "
                f"{told.get(kind, {}).get(role)}"
                for kind in dict.fromkeys([*lines, *told])
                for role in dict.fromkeys([*lines.get(kind, {}), *told.get(kind, {})])
                if lines.get(kind, {}).get(role) != told.get(kind, {}).get(role)]
            if found:
                said += found
                routes.add(route)
        return said, routes

    def _read(self, text):
        """Return the word of each visitor of a line such as ``login: anonymous; 200: owner``."""
        return {role: word.strip() for part in text.split(";")
                for word, _colon, roles in [part.partition(":")] for role in self._unfold(roles)}

    def _unfold(self, roles):
        for word in roles.split():
            yield from (TOGETHER_VISITORS.get(word) or [word])

    def check(self, answers):
        """Fail where the table does not agree; write it anew when asked to by SECURITY_TABLES."""
        if os.environ.get("SECURITY_TABLES") == "write":
            head = itertools.takewhile(
                lambda line: line.startswith("#"), self.path.read_text().splitlines())
            self.path.write_text("\n".join([*head, "", *(
                self.section(route, lines) for route, lines in answers.items())]))
            self.sections = tomllib.loads(self.path.read_text())
        said, routes = self.compare(answers)
        assert not said, "\n".join([
            *said, "", f"If that is as it should be, in {self.path.name} (or all at once: "
            "python -m tests.security):", "", *(
                self.section(route, answers[route]) for route in answers if route in routes)])

    def section(self, route, lines):
        """Return the section of a route, as it stands in the file."""
        return "\n".join([f"['{route}']", *(
            entry(kind, self._line(words)) for kind, words in lines.items()), ""])

    def _line(self, words):
        return "; ".join(f"{word}: {self._fold([r for r in words if words[r] == word])}"
                         for word in dict.fromkeys(words.values()))

    def _fold(self, roles):
        left, folded = list(roles), []
        for word, members in TOGETHER_VISITORS.items():
            if set(left).issuperset(members):
                folded.append(word)
                left = [role for role in left if role not in members]
        return " ".join([*folded, *left])
