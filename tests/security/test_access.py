"""Models × roles × operations × whose row, beside the table of ``access.toml``.

Once in this process, where each attempt is taken back; and once by the API that strangers call,
for what can be read and for what must be refused.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from .rights import a_field, access_of
from .tables import CREATE, AccessTable
from .world import ROLES

ADDONS = "all"
PROCESSES = 1
REFUSED = (403, 422)  # for want of a right, or whoever asks: what nobody changes


@pytest.fixture(scope="module")
def table():
    return AccessTable("access.toml")


def test_every_model_has_rows(world):
    """A model without a row to try rights on would pass for a safe one."""
    assert not world.missing, "\n".join(
        f"tests/security/world.py cannot make a row of {name} ({kind}): {reason}"
        for (name, kind), reason in world.missing.items())


def test_access_agrees_with_the_table(world, table):
    table.check(*access_of(world))


class Api:
    """One role's calls to ``/json/2``."""

    def __init__(self, world, key):
        self.url = f"{world.house.url}/json/2"
        self.http = requests.Session()
        if key:
            self.http.headers["Authorization"] = f"bearer {key}"

    def post(self, model, method, **body):
        return self.http.post(f"{self.url}/{model}/{method}", json=body, timeout=60)


def rpc_differences(world, role, told, known):
    """Search what the table lets the role read in a model, or try a thing that it refuses.

    One call a model, another one for each role: all roles together try each of them.

    :return: a list of what was otherwise
    """
    api = Api(world, world.api_key(role))
    said = []
    for number, (model, (field, whats)) in enumerate(known.items(), ROLES.index(role)):
        rows = world.rows[model]
        may = {what for what in whats if (model, role, what) in told}
        calls = [("search", {"domain": [["id", "in", list(rows.values())]],
                             "context": {"active_test": False}}),
                 *_refused(world, model, field, may)]
        method, body = calls[number % len(calls)]
        answer = api.post(model, method, **body)
        if method != "search":
            if answer.status_code not in REFUSED:
                said.append(f"{role} {model} {method} {body}: answered {answer.status_code}: "
                            f"{answer.text[:200]}")
            continue
        seen = {kind for kind in rows if answer.ok and rows[kind] in answer.json()}
        expected = {kind for operation, kind in may if operation == "read"}
        if seen != expected:
            said.append(f"{role} {model} search: sees {sorted(seen)}, table says "
                        f"{sorted(expected)}: {answer.status_code}")
    return said


def _refused(world, model, field, may):
    """List what must be refused, as the name of a method and its arguments."""
    rows = world.rows[model]
    bodies = {"write": {"vals": {field: False}}, "unlink": {}, "read": {"fields": []}}
    for operation, body in bodies.items():
        ids = [row for kind, row in rows.items() if (operation, kind) not in may]
        if ids:
            yield operation, {"ids": ids, **body}
    if (CREATE, "") not in may:
        yield CREATE, {"vals_list": [world.json_values(model)]}


def test_access_over_rpc_agrees_with_the_table(world, table):
    with world.env() as env:
        known = {name: (a_field(env[name]), [
            (operation, kind) for operation in ("read", "write", "unlink")
            for kind in world.rows[name]] + [(CREATE, "")])
            for name in world.rows if env[name]._auto}
    told = table.cells({model: whats for model, (_field, whats) in known.items()})
    roles = [role for role in ROLES if role not in ("anonymous", "administrator")]
    for role in roles:
        world.api_key(role)
    with ThreadPoolExecutor(4) as pool:
        said = [line for lines in pool.map(
            lambda role: rpc_differences(world, role, told, known), roles) for line in lines]
    assert not said, "\n".join(said)


@pytest.mark.parametrize("key", ["none", "made up", "of the quota API"])
def test_nobody_calls_without_a_key(world, key):
    api = Api(world, {"none": None, "made up": "0" * 40, "of the quota API": world.quota_key}[key])
    for model in world.rows:
        assert api.post(model, "search", domain=[]).status_code == 401, model


def without(query):
    """Return what takes away rows of the rights, as if somebody had forgotten them."""
    def before(env):
        env.cr.execute(query)
        assert env.cr.rowcount == 1, query
    return before


@pytest.mark.parametrize("query, role, model, expected", [
    ("DELETE FROM ir_model_access WHERE name = 'credit.wallet portal'", "owner", "credit.wallet",
     "owner credit.wallet read own: is refused, table says allowed"),
    ("UPDATE ir_rule SET active = FALSE WHERE id = (SELECT res_id FROM ir_model_data WHERE name = "
     "'credit_wallet_portal_rule')", "stranger", "credit.wallet",
     "stranger credit.wallet read other: is allowed, table says refused"),
    ("UPDATE ir_rule SET active = FALSE WHERE id = (SELECT res_id FROM ir_model_data WHERE name = "
     "'subscription_period_company_rule')", "abroad", "subscription.period",
     "abroad subscription.period read own: is allowed, table says refused"),
])
def test_what_is_forgotten_is_told_negative_control(world, table, query, role, model, expected):
    """Without an access row, and without a record rule, the table does not agree."""
    def said(before=None):
        known, allowed = access_of(world, [model], [role], before)
        return [line for line in table.compare(known, allowed)[0] if line.startswith(f"{role} ")]

    assert not said()
    assert expected in said(without(query))
    assert not said(), "what was taken away is back"
