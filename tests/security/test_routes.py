"""Every route of ours × visitor × whose row, beside the table of ``routes.toml``.

And forms without their token, HEAD, odd ids and odd parameters.
"""

import inspect
import itertools

import pytest

from .routes import VISITORS, RouteTable, Site, our_routes

ADDONS = "all"
PROCESSES = 0

# The rows that a path's parameters may name: (model, its kinds), the customer's own first.
PARAMETERS = {
    "subscription_id": ("subscription.subscription", ["own", "other"]),
    "wallet_id": ("credit.wallet", ["own", "other"]),
    "key_id": ("quota.api.key", ["own", "other"]),
    "registration_id": ("event.registration", ["own", "person", "other"]),
    "event": ("event.event", ["sold", "hidden"]),
    "training_id": ("event.type", ["any"]),
    "waiting_id": ("session.waiting", ["own", "other"]),
    "report_id": ("credit.reconciliation", ["any"]),
    "statement_id": ("stripe.statement", ["any"]),
    "download_id": ("legal.invoice.download", ["any"]),
}
# Parameters that are no row's, and what is sent for them.
PLAIN = {"page": "1", "token": "0" * 40, "slug": "not_found", "rest": "consume",
         "pack_id": "1", "company_id": "1", "month": "2026-11", "section": "vat",
         "extension": "xlsx", "barcode_type": "QR", "value": "x"}
# Routes whose form names the row, and not their path: the field, and the model of its rows.
NAMED_IN_FORM = {
    "/my/payment_method/archive": ("token_id", "payment.token"),
    "/payment/archive_token": ("token_id", "payment.token"),
}


def fields_of(world, route):
    """Return what is sent with a request, as a page of ours would: what is done is then tried.

    Without it, many would only be asked to fill in the form.
    """
    path = route.path.replace("<int:subscription_id>", "1")
    return {
        "/my/people/invite": {"name": "Ines", "email": "ines@acme.example"},
        "/my/people/bound": {"bound": "100"},
        "/my/people/<int:person_id>/roles": {"roles": "is_billing"},
        "/my/credits/<int:wallet_id>/spender": {
            "partner_id": world.partners["learner"], "allowed": "1"},
        "/my/credits/<int:wallet_id>/allot": {
            "partner_id": world.partners["learner"], "credits": "1", "token": "t"},
        "/my/subscriptions/1/change": {
            "price": world.row("subscription.plan.price", "sold"), "quantity": "1",
            "timing": "later"},
        "/my/subscriptions/1/token": {"token": world.row("payment.token", "other")},
        "/my/subscriptions/1/transaction": {"amount": 1.0, "access_token": "x"},
        "/my/quota/keys": {"name": "Another"},
        "/subscriptions/subscribe": {"price_id": world.row("subscription.plan.price", "hidden")},
        "/trainings/basket": {"session": world.row("event.event", "sold")},
        "/trainings/basket/book": {
            "session": world.row("event.event", "sold"), "token": "t", "price": "2"},
        '/trainings/<model("event.event"):event>/book': {
            "token": "t", "price": "2", "attendee": world.partners["remy"]},
        '/trainings/<model("event.event"):event>/wait': {"attendee": world.partners["remy"]},
        "/my/trainings/<int:registration_id>/swap": {
            "session": world.row("event.event", "sold"), "token": "t"},
        "/web/signup": {"login": "new@acme.example"},
        "/web/reset_password": {"login": "owner@matrix.example"},
        "/web/login": {"login": "owner@matrix.example", "password": "wrong"},
    }.get(path, {})


WITHOUT = "without a token"
# Who is let in furthest: whatever fails, fails for them.
INSIDERS = ["owner", "administrator"]


@pytest.fixture(scope="module")
def site(world):
    return Site(world)


@pytest.fixture(scope="module")
def routes(world):
    with world.env() as env:
        return our_routes(env)


@pytest.fixture(scope="module")
def table():
    return RouteTable("routes.toml")


def rows_of(world, route):
    """List whose rows to try on a route: (kind, values of the parameters of path or form).

    :raise KeyError: nobody said what to send for a parameter
    """
    values = {name: PLAIN[name] for name in route.parameters if name in PLAIN}
    if route.path in NAMED_IN_FORM:
        field, model = NAMED_IN_FORM[route.path]
        return [(kind, {field: world.row(model, kind)}) for kind in ("own", "other")]
    if "person_id" in route.parameters:
        return [("own", {**values, "person_id": world.partners["learner"]}),
                ("other", {**values, "person_id": world.partners["remy"]})]
    named = [name for name in route.parameters if name not in values]
    if not named:
        return [("any", values)]
    model, kinds = PARAMETERS[named[0]]
    if len(named) > 1:
        raise KeyError(named[1])
    return [(kind, {**values, named[0]: world.row(model, kind)}) for kind in kinds
            if kind in world.rows[model]]


@pytest.fixture(scope="module")
def requests(world, routes):
    """List what is sent: (route, kind of row, values of the path's parameters, fields)."""
    return [
        (route, kind, values, {**fields_of(world, route), **(
            values if route.path in NAMED_IN_FORM else {})})
        for route in routes for kind, values in rows_of(world, route)]


@pytest.fixture(scope="module")
def answers(site, requests):
    """Call each route as each visitor.

    :return: dict of the name of a route to dict of a kind of row to dict of visitors to a word
    """
    found = {}
    for route, kind, values, fields in requests:
        path, lines = route.fill(values), found.setdefault(route.name, {})
        lines[kind] = {role: site.call(role, route, path, fields).word for role in VISITORS}
        if route.method == "POST" and route.kind == "http" and WITHOUT not in lines:
            lines[WITHOUT] = {role: site.call(role, route, path, fields, token=False).word
                              for role in INSIDERS}
    return found


def test_routes_agree_with_the_table(answers, table):
    table.check(answers)


def test_no_route_fails(answers):
    """No visitor makes the server fail, whoever's the row is."""
    failed = [f"{name}, {kind}, {role}: {word}" for name, lines in answers.items()
              for kind, words in lines.items() for role, word in words.items()
              if word.startswith("5") or word.endswith("Error") and word not in (
                  "AccessError", "UserError", "ValidationError", "MissingError")]
    assert not failed, "\n".join(failed)


def test_every_form_needs_its_token(routes, answers):
    for route in routes:
        if route.csrf:
            words = answers[route.name][WITHOUT]
            assert set(words.values()) == {"400"}, (route.name, words)


def test_head_changes_nothing(site, requests):
    """Programs that check a link ask with HEAD."""
    wrong = []
    for route, kind, values, fields in requests:
        if route.method == "GET":
            path = route.fill(values)
            for role in INSIDERS:
                answer = site.call(role, route, path, fields, method="HEAD")
                if answer.wrote or answer.status >= 500 or answer.body:
                    wrong.append(f"HEAD {path} ({kind}), {role}: {answer.word}")
    assert not wrong, "\n".join(wrong)


# Parameters that name no row.
WORDS = ("slug", "rest", "barcode_type", "value")
ODD = ["0", "-1", "2147483648", "9223372036854775808", "nine", "%00", "1%00", "%ff"]


def test_odd_ids_are_not_found(site, requests):
    """4xx for what no row can have for an id; a page of a list may be the first."""
    wrong = []
    for route, kind, values, fields in requests:
        if kind == "other":
            continue
        for name, odd in itertools.product(
                [name for name in route.parameters if name not in WORDS], ODD):
            if name == "event" and odd == "-1":
                continue  # Odoo's addresses end in "-1" for the row 1
            answer = site.call("owner", route, route.fill({**values, name: odd}), fields)
            fine = (400 <= answer.status < 500 or answer.status < 400 and name == "page"
                    or route.kind == "jsonrpc" and answer.word.endswith(("Error", "NotFound")))
            if not fine:
                wrong.append(f"{route.method} {route.path}, {name}={odd}: {answer.word}")
    assert not wrong, "\n".join(wrong)


ODD_VALUES = ["0001-01-01", "9999-12-31", "-1", "nan", "9" * 400, "[" * 20_000, "a\0b", "' <b>%"]
# What our pages read beside the arguments of their methods.
MORE_NAMES = ["from", "to", "date", "month", "view", "theme", "place", "training", "search",
              "domain", "filterby", "sortby", "page", "limit", "cursor", "back", "redirect"]


def test_odd_parameters_are_no_failure(site, requests):
    """Dates of another millennium, brackets without end: never 5xx."""
    wrong = []
    for route, values, fields in {
            route.name: (route, values, fields)
            for route, _kind, values, fields in reversed(requests)}.values():
        own = [name for name, parameter in inspect.signature(route.function).parameters.items()
               if parameter.kind == parameter.POSITIONAL_OR_KEYWORD and name != "self"
               and name not in values]
        names = own if route.method == "POST" else dict.fromkeys([*own, *MORE_NAMES])
        for odd in ODD_VALUES:
            answer = site.call(
                "owner", route, route.fill(values), {**fields, **dict.fromkeys(names, odd)})
            if answer.status >= 500 or route.kind == "jsonrpc" and answer.word.strip("*") not in (
                    "200", "UserError", "ValidationError", "AccessError", "NotFound", "BadRequest"):
                wrong.append(f"{route.name}, {odd[:20]!r}: {answer.word}")
    assert not wrong, "\n".join(wrong)


def test_what_differs_is_told_negative_control(answers, table):
    """A new route, one that is gone, and an answer that changed."""
    route = "GET /my/credits"
    changed = {**answers, "GET /new": {"any": {"anonymous": "200"}},
               route: {"any": {**answers[route]["any"], "anonymous": "200"}}}
    del changed["GET /my/people"]
    assert set(table.compare(changed)[0]) - set(table.compare(answers)[0]) == {
        "GET /new: is not in routes.toml",
        "GET /my/people: is in routes.toml, and there is no such route of ours",
        f"{route}, any, anonymous: is 200, table says login"}
