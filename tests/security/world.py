"""A small world to try rights in: somebody of every role, and rows of everybody's.

The customer *ACME* has its people, one a role, and what it bought by the product's own flows: a
pack, bookings, a place in a waiting list, a subscription with its limits, a key. *Rivals* bought
the same. What no flow makes in a second is filled in by the superuser, so that every model of ours
has rows; a new model gets its rows without a line here.
"""

import contextlib
import dataclasses
import itertools
import uuid
from datetime import date, datetime, timedelta

import pytz

from ops import paths
from tests.house import Visitor

CUSTOMERS = {  # people of ACME by the roles that it gives them; the owner is the company's login
    "owner": None, "manager": ["is_manager"], "billing": ["is_billing"],
    "developer": ["is_developer"], "learner": []}
STAFF = {
    "employee": "base.group_user",
    "desk": "event.group_event_registration_desk",
    "event_user": "event.group_event_user",
    "event_manager": "event.group_event_manager",
    "salesman": "sales_team.group_sale_salesman",  # sees his own documents
    "salesman_all": "sales_team.group_sale_salesman_all_leads",
    "sales_manager": "sales_team.group_sale_manager",
    "invoicing": "account.group_account_invoice",
    "auditor": "account.group_account_readonly",
    "accountant": "account.group_account_manager",
    "credit_user": "credit_wallet.group_credit_user",
    "credit_manager": "credit_wallet.group_credit_manager",
    "subscription_user": "subscription_billing.group_subscription_user",
    "subscription_manager": "subscription_billing.group_subscription_manager",
}
# Nobody signed in; a customer with nothing; ACME's people; staff from the lowest; somebody with all
# their groups who works for another company of the house; the administrator.
ROLES = ["anonymous", "stranger", *CUSTOMERS, *STAFF, "abroad", "administrator"]

# Models of Odoo whose rows our rules or methods open or close, beside those of our own.
OF_ODOO = [
    "account.move", "account.move.line", "event.event", "event.registration", "event.type",
    "payment.token", "payment.transaction", "sale.order", "sale.order.line"]

# Whose a row is:
#   own     ACME's, and not one person's
#   person  the learner's: an employee of ACME
#   other   another customer's
#   sold    of the catalogue, published
#   hidden  of the catalogue, unpublished and nobody's
#   any     of the house: concerns no customer
KINDS = ["own", "person", "other", "sold", "hidden", "any"]
# What is published or not, by the field that leads to it.
CATALOGUE = {
    "event.event": "is_published", "subscription.plan": "is_published",
    "subscription.plan.price": "plan_id.is_published", "quota.plan.limit": "plan_id.is_published"}
# How to find the customer of a row, where it is not by the first of these.
TO_CUSTOMER = [
    "partner_id", "person_id", "wallet_id", "subscription_id", "registration_id", "period_id",
    "entry_id", "lot_id", "order_id", "move_id", "dispute_id", "transaction_id", "counter_id",
    "payer_id", "booking_id", "import_id", "wizard_id", "reconciliation_id", "invoice_id"]
# What made-up values need, to agree with one another; None: left empty.
AGREEING = {
    "quota.override": {"partner_id": None},
    "subscription.subscription": {"cancel_policy": None},  # as the plan has it: else managers only
    "stripe.balance.transaction": {"fee": 0.0}}
MAGIC = {"id", "create_uid", "create_date", "write_uid", "write_date", "display_name"}
OF_THE_HOUSE = {"event.event", "event.type", "res.company"}  # their partner is no customer


def our_models(env):
    """List the models of our addons that hold rows, tables and views, and those of Odoo we guard.

    :return: sorted list of names
    """
    ours = set(paths.our_addons())
    return sorted({
        name for name, model in env.registry.items()
        if not model._abstract and model._original_module in ours} | set(OF_ODOO))


def customer_path(env, name, depth=3):
    """Find the fields that lead from a row of a model to its customer.

    :return: a path such as ``wallet_id.partner_id``; None: its rows are no customer's
    """
    if name in OF_THE_HOUSE or name in CATALOGUE or not depth:
        return None
    fields = env[name]._fields
    for step in TO_CUSTOMER:
        field = fields.get(step)
        if not field or field.type != "many2one":
            continue
        if field.comodel_name == "res.partner":
            return step
        if rest := customer_path(env, field.comodel_name, depth - 1):
            return f"{step}.{rest}"
    return None


@dataclasses.dataclass
class World:
    """Who is there, and which rows.

    :ivar dict users: ids of ``res.users`` by role; *anonymous* is Odoo's public user
    :ivar dict partners: ids of their ``res.partner``; also of ``acme``, ``rivals`` and ``remy``, an
        employee of Rivals
    :ivar dict rows: by model and kind of :data:`KINDS`, the id of one row
    :ivar dict missing: models without a row, and why there is none
    """

    house: object
    users: dict
    partners: dict
    rows: dict = dataclasses.field(default_factory=dict)
    missing: dict = dataclasses.field(default_factory=dict)
    new_values: dict = dataclasses.field(default_factory=dict)  # by model, for one more row
    quota_key: str = ""  # of ACME's program
    keys: dict = dataclasses.field(default_factory=dict)

    def row(self, model, kind="own"):
        """Return the id of the row of a kind: ``world.row("credit.wallet", "other")``."""
        return self.rows[model][kind]

    def some_rows(self, env, model):
        """List the ids of rows of a model, ACME's first; of any model of Odoo, too."""
        if model == "res.partner":
            return [self.partners["acme"], self.partners["rivals"]]
        if model in self.rows:
            return [self.rows[model][kind] for kind in KINDS if kind in self.rows[model]]
        return env[model].sudo().search([], limit=1).ids

    def other_of(self, env, model, present):
        """Return the id of a row that is not among those present: somebody else's where it can be.
        """
        known = [self.rows.get(model, {}).get(kind) for kind in ("other", "hidden", "own", "any")]
        if model == "res.partner":
            known = [self.partners["rivals"], self.partners["stranger"]]
        for other in filter(None, known):
            if other not in present.ids:
                return other
        return env[model].sudo().search([("id", "not in", present.ids)], limit=1).id

    def json_values(self, model):
        """Return values for one more row, as JSON has them."""
        return {name: str(value) if isinstance(value, date) else value
                for name, value in self.new_values[model].items()}

    @contextlib.contextmanager
    def env(self, role=None):
        """Yield an environment of the role, the superuser's without one; nothing of it stays."""
        from odoo import api
        from odoo.modules.registry import Registry

        with self.house.env():
            pass  # reads the options of this database
        with Registry(self.house.name).cursor() as cr:
            try:
                yield api.Environment(
                    cr, self.users[role] if role else api.SUPERUSER_ID,
                    {"lang": "en_US", "tz": "Europe/Paris"})
            finally:
                cr.rollback()

    def visitor(self, role):
        """Return the browser of somebody of the role, signed in; each call opens a new one."""
        if role == "anonymous":
            return Visitor(self.house)
        with self.house.env() as env:
            return self.house._visitor(env["res.users"].browse(self.users[role]))

    def api_key(self, role):
        """Return a key of Odoo's own API (``/json/2``, XML-RPC) of the role; the same each time."""
        if role not in self.keys:
            with self.house.env() as env:
                user = env["res.users"].browse(self.users[role])
                self.keys[role] = env["res.users.apikeys"].with_user(user).sudo()._generate(
                    None, "matrix", None)
        return self.keys[role]


def make_world(house):
    """Make the people and the rows in a house just created; its servers may run or not.

    :param house: a :class:`tests.house.House` of its own: two worlds in one database collide
    """
    with house.env() as env:
        world = _People(env, house).make()
    with house.env() as env:
        _Trade(env, world).make()
    with house.env() as env:
        _Rows(env, world).find_or_fill()
    return world


class _People:
    """One user a role."""

    def __init__(self, env, house):
        self.env = env
        self.house = house
        self.address = {
            "street": "1 rue Longue", "zip": "69001", "city": "Lyon", "lang": "fr_FR",
            "country_id": env.ref("base.fr").id, "phone": "+33612345678", "tz": "Europe/Paris"}

    def make(self):
        acme, rivals = self.env["res.partner"].create([
            {**self.address, "name": name, "is_company": True,
             "email": f"compta@{name.lower()}.example"}
            for name in ("Acmetal", "Rivals")])
        users = {"anonymous": self.env.ref("base.public_user"),
                 "administrator": self.env.ref("base.user_admin"),
                 "stranger": self._user("stranger", "base.group_portal"),
                 "owner": self._user("owner", "base.group_portal", partner_id=acme.id)}
        for role, rights in CUSTOMERS.items():
            if rights is not None:
                users[role] = self._user(role, "base.group_portal")
                users[role].partner_id.parent_id = acme
        for role, group in STAFF.items():
            users[role] = self._user(role, f"base.group_user {group}")
        abroad = self.env["res.company"].create({"name": "Abroad"})
        users["abroad"] = self._user(
            "abroad", " ".join(STAFF.values()), company_id=abroad.id, company_ids=[abroad.id])
        remy = self.env["res.partner"].create({
            **self.address, "name": "Rémy Rival", "email": "remy@rivals.example",
            "parent_id": rivals.id})
        for role, rights in CUSTOMERS.items():
            if rights is not None:
                acme._set_roles(users[role].partner_id, rights)
        rivals._set_roles(remy, [])
        return World(
            self.house, {role: users[role].id for role in ROLES},
            {**{role: users[role].partner_id.id for role in ROLES},
             "acme": acme.id, "rivals": rivals.id, "remy": remy.id})

    def _user(self, role, groups, **vals):
        if "partner_id" not in vals:
            vals = {**self.address, "name": role.replace("_", " ").capitalize(), **vals}
        return self.env["res.users"].with_context(no_reset_password=True).create({
            "login": f"{role}@matrix.example", "email": f"{role}@matrix.example", **vals,
            "group_ids": [(6, 0, [self.env.ref(group).id for group in groups.split()])]})


class _Trade:
    """What ACME and Rivals bought, by the product's own flows."""

    def __init__(self, env, world):
        self.env = env
        self.world = world
        self.hours = itertools.count()
        self.customers = {}  # by partner of a company: (who speaks for it, an employee, seller)
        for company, speaker, employee, seller in (
                ("acme", "manager", "learner", "salesman"),
                ("rivals", "rivals", "remy", "salesman_all")):
            self.customers[self._partner(company)] = (
                self._partner(speaker), self._partner(employee),
                env["res.users"].browse(world.users[seller]))

    def _partner(self, who):
        return self.env["res.partner"].browse(self.world.partners[who])

    def make(self):
        full = self.session(seats_max=2)
        for company, (speaker, employee, seller) in self.customers.items():
            self.buy(company, seller)
            wallet = self.env["credit.wallet"]._of(company, self.env.company)
            wallet._allot(employee, 3, f"matrix:{company.id}")
            self.book(wallet, speaker, employee)
            full._book(wallet, company, f"matrix:full:{company.id}")
            self.subscribe(company, seller)
            self.save_card(company)
            self.owe(wallet)
        for speaker, employee, _seller in self.customers.values():
            for person in {speaker, employee} - set(self.customers):
                self.env["session.waiting"]._join(full, person)
        self.env["session.waiting"]._join(full, self._partner("stranger")).sudo()._leave()
        self.hide()
        self.set_up_stripe()

    def session(self, **vals):
        """Make a session of a training, each at a time of its own."""
        begin = datetime.now().replace(microsecond=0) + timedelta(
            days=40, hours=3 * next(self.hours))
        training = self.env["event.type"].search([("is_training", "=", True)], limit=1)
        return self.env["event.event"].create({
            "name": "Atelier", "event_type_id": training.id, "date_begin": begin,
            "date_end": begin + timedelta(hours=2), "credit_price": 2, "seats_limited": True,
            "seats_max": 10, "is_published": True, **vals})

    def buy(self, company, seller):
        """Buy two packs, paid; the order is the seller's."""
        pack = self.env["product.template"].search(
            [("service_tracking", "=", "credit_pack"), ("credit_count", "=", 20)], limit=1)
        order = self.env["sale.order"].create({
            "partner_id": company.id, "user_id": seller.id,
            "order_line": [(0, 0, {"product_id": pack.product_variant_id.id})]})
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.invoice_user_id = seller
        invoice.action_post()
        self.pay(invoice)

    def pay(self, invoices):
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoices.ids).create({})._create_payments()

    def book(self, wallet, speaker, employee):
        """Book a session for two people of the company, from its wallet."""
        session = self.session()
        for person in (speaker, employee):
            session._book(wallet, person, f"matrix:{person.id}")

    def subscribe(self, company, seller):
        """Subscribe, pay, use most of a limit, and make a key."""
        plan = self.env["subscription.plan"].search([("name", "=", "Scale")], limit=1)
        subscription = self.env["subscription.subscription"].create({
            "partner_id": company.id, "plan_id": plan.id, "price_id": plan.price_ids[0].id,
            "anchor_date": datetime.now(pytz.timezone("Europe/Paris")).date(),
            "tz": "Europe/Paris", "user_id": seller.id})
        subscription.action_start()
        self.pay(subscription.period_ids.invoice_id)
        subscription._quota_consume("scans", 17_000)
        key = self.env["quota.api.key"].create(
            {"name": "Scanner", "partner_id": company.id})._generate()
        self.world.quota_key = self.world.quota_key or key

    def save_card(self, company):
        """Save a card of the company, and a payment by it."""
        provider = self.env.ref("payment.payment_provider_demo")
        method = self.env.ref("payment.payment_method_card")
        token = self.env["payment.token"].create({
            "provider_id": provider.id, "payment_method_id": method.id, "payment_details": "4242",
            "partner_id": company.id, "provider_ref": uuid.uuid4().hex})
        self.env["payment.transaction"].create({
            "provider_id": provider.id, "payment_method_id": method.id, "token_id": token.id,
            "reference": f"MATRIX{company.id}", "amount": 12.0, "operation": "offline",
            "currency_id": self.env.company.currency_id.id, "partner_id": company.id})

    def owe(self, wallet):
        """Let the pack's payment be taken back: a debt, as after a dispute that was lost."""
        line = self.env["account.move.line"].search([
            ("partner_id", "=", wallet.partner_id.id), ("display_type", "=", "product")], limit=1)
        self.env["credit.debt"].create({
            "wallet_id": wallet.id, "lot_id": wallet.lot_ids[0].id, "credits": 1, "value": 1.0,
            "withdrawn_line_id": line.id, "withdrawal_reference": f"matrix:{wallet.id}"})

    def hide(self):
        """Keep a plan, its price and limit, and a session out of the catalogue."""
        metric = self.env["quota.metric"].search([], limit=1)
        self.env["subscription.plan"].create({
            "name": "Draft of a plan", "list_price": 7.0, "is_published": False,
            "family_id": self.env["subscription.family"].search([], limit=1).id,
            "price_ids": [(0, 0, {"interval_unit": "month", "amount": 7.0})],
            "quota_limit_ids": [(0, 0, {"metric_id": metric.id, "limit_value": 7})]})
        self.session(is_published=False)

    def set_up_stripe(self):
        """Switch Stripe on, where nobody answers."""
        self.env.ref("payment.payment_provider_stripe").write({
            "company_id": self.env.company.id, "state": "test", "is_published": False,
            "stripe_publishable_key": "pk_test_x", "stripe_secret_key": "sk_test_x",
            "stripe_webhook_secret": "whsec_x"})
        self.env["ir.config_parameter"].set_param(
            "subscription_stripe.api_base", "http://127.0.0.1:1")


class _Rows:
    """Find a row of each kind in each model; fill one in where no flow made one."""

    def __init__(self, env, world):
        self.env = env
        self.world = world
        partners = world.partners
        acme = set(env["res.partner"].search([("id", "child_of", partners["acme"])]).ids)
        rivals = set(env["res.partner"].search([("id", "child_of", partners["rivals"])]).ids)
        self.owners = {"own": acme - {partners["learner"]}, "person": {partners["learner"]},
                       "other": rivals}

    def find_or_fill(self):
        names = our_models(self.env)
        for name in names:
            self.world.rows[name] = self._found(name)
        # Twice: a row may need one of a model that comes after its own in the alphabet.
        for _round in range(2):
            for name in names:
                for kind in sorted(self._wanted(name) - self.world.rows[name].keys()):
                    self._fill(name, kind)
        for name in names:
            self.world.new_values[name] = self._by_hand(
                name, self._values(name, min(self._wanted(name)), True))

    def _wanted(self, name):
        if name in CATALOGUE:
            return {"sold", "hidden"}
        return {"own", "other"} if customer_path(self.env, name) else {"any"}

    def _found(self, name):
        """Return the rows that are there, by their kinds."""
        model = self.env[name].with_context(active_test=False)
        path = customer_path(self.env, name)
        if name in CATALOGUE:
            field = CATALOGUE[name]
            domains = {"sold": [(field, "=", True)], "hidden": [(field, "=", False)]}
        elif path:
            domains = {kind: [(path, "in", list(ids))] for kind, ids in self.owners.items()}
        else:
            domains = {"any": []}
        order = "id DESC" if "hidden" in domains else "id"
        found = {kind: model.search(domain, limit=1, order=order)
                 for kind, domain in domains.items()}
        return {kind: row.id for kind, row in found.items() if row}

    def _fill(self, name, kind):
        """Make a row by the superuser, with no more than it needs."""
        reasons = []
        for needed_only in (False, True):
            try:
                with self.env.cr.savepoint():
                    row = self.env[name].create(self._values(name, kind, needed_only))
                    self.env.flush_all()
                    self.world.rows[name][kind] = row.id
                    self.world.missing.pop((name, kind), None)
                    return
            except Exception as error:  # whatever a model objects to: it is told in the test
                self.env.invalidate_all()
                reasons.append(f"{type(error).__name__}: {error}".splitlines()[0])
        self.world.missing[name, kind] = "; ".join(reasons)

    def _values(self, name, kind, needed_only):
        model = self.env[name]
        given = model.default_get(list(model._fields))
        values = {}
        for name_, field in model._fields.items():
            if name_ in MAGIC:
                continue
            leads = field.type == "many2one" and field.name in TO_CUSTOMER
            wanted = field.required or leads and not needed_only
            if (not field.store or not wanted
                    or name_ in given and (given[name_] or field.type != "many2one")
                    or field.compute and field.readonly):
                continue
            value = self._value(field, kind) if name_ not in AGREEING.get(name, {}) else None
            if value is not None:
                values[field.name] = value
        agreeing = AGREEING.get(name, {})
        return {**values, **{key: value for key, value in agreeing.items() if value is not None}}

    def _by_hand(self, name, values):
        """Leave out the system's fields of a model, unless all of them are."""
        model = self.env[name]
        return values if model._engine_only else {
            key: value for key, value in values.items() if not model._is_engine_field(key)}

    def _value(self, field, kind):
        """Return a value that might do for a field; None: there is none."""
        if field.type == "many2one":
            return self._link(field.comodel_name, kind)
        if field.type == "selection":
            return field.get_values(self.env)[0]
        return {
            "char": uuid.uuid4().hex, "text": "Text", "html": "<p>Text</p>", "integer": 1,
            "float": 1.0, "monetary": 1.0, "boolean": False, "json": {"a": 1},
            "date": datetime.now().date(), "datetime": datetime.now().replace(microsecond=0),
        }.get(field.type)

    def _link(self, comodel, kind):
        """Return a row to point at: of the same customer, else of the house."""
        if comodel == "res.partner":
            return self.world.partners["rivals" if kind == "other" else "acme"]
        rows = self.world.rows.get(comodel, {})
        for known in (kind, "own" if kind == "person" else kind, "any", "sold"):
            if known in rows:
                return rows[known]
        if comodel in self.world.rows:
            return None
        if comodel == "payment.provider":
            return self.env.ref("payment.payment_provider_stripe").id
        if comodel == "res.company":
            return self.env.company.id
        if comodel == "res.currency":
            return self.env.company.currency_id.id
        return self.env[comodel].search([], limit=1).id or None
