"""Every menu, action, view and dialog of ours, opened in Chromium, in French, as each role of
the staff, with the demo's data and with none.

A fault is an error dialog, an error of the console or of a request, an English word, or a record
shown as `subscription.change,1`. Pictures of faults are in ``.house/log/walk``. What the walk
opened, and how long it took, is printed as a table.
"""

import contextlib
import dataclasses
import re
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from lxml import etree

from ops import paths
from tests.english import english_words, misfits, raw_names
from tests.payment_house import PaymentHouse
from tests.stories import Stories

ADDONS = (
    "credit_wallet", "invoice_europe_booking", "invoice_europe_subscription", "legal_training",
    "lms_link", "quota_credit", "subscription_credit", "subscription_quota",
    "subscription_stripe")
SCRIPT = (Path(__file__).parent / "walk.js").read_text()
PICTURES = paths.LOGS / "walk"
MAX_PICTURES = 30
VIEWS = ("list", "form", "kanban", "calendar", "pivot", "graph", "activity")

# Who works here: name of the role, groups. The first two are the demo's own users.
ROLES = {
    "administrator": "admin",
    "accountant": "comptable@insaho.example",
    "event manager": ("event.group_event_manager",),
    "desk": ("event.group_event_registration_desk",),
    "salesman": ("sales_team.group_sale_salesman",),
    "billing": ("account.group_account_invoice",),
    "credit manager": ("credit_wallet.group_credit_manager",),
    "agency": ("subscription_billing.group_subscription_user",),
}
# With none: who sees all, who sees the books, and who sees only trainings.
EMPTY_ROLES = ("administrator", "accountant", "event manager", "agency")

# Who also opens what neither a menu nor a button leads to.
THOROUGH = "administrator"

# Forms that only some may open: others may read the records, and have no menu that leads there.
NEEDS = {
    "event.event": "event.group_event_registration_desk",
    "event.registration": "event.group_event_registration_desk",
    "event.type": "event.group_event_user",
    "sale.order": "sales_team.group_sale_salesman",
    "account.move": "account.group_account_readonly,account.group_account_invoice",
    "subscription.plan": "subscription_billing.group_subscription_user,"
    "account.group_account_readonly,account.group_account_invoice",
}

# Every button of ours: OPEN: it opens a dialog or a page, and is pressed; ASK: it asks first, and
# the answer is no; ACT: it changes data or sends a file, and is not pressed. A new button without
# a row fails.
BUTTONS = """
account.move                action_einvoice_refresh                          ACT
account.move                action_refund_to_card                            ASK
account.move                action_view_disputes                             OPEN
account.move                action_view_revenue_deferrals                    OPEN
account.move.line           action_open_business_doc                         OPEN
account.move.line           action_refund_by_transfer                        ASK
account.move.line           action_refund_to_card                            ASK
credit.adjust               action_confirm                                   ACT
credit.debt                 action_settle                                    ASK
credit.entry                credit_wallet.credit_export_action               OPEN
credit.entry                credit_wallet.credit_reverse_action              OPEN
credit.export               action_export                                    ACT
credit.import               action_back                                      ACT
credit.import               action_check                                     ACT
credit.import               action_import                                    ACT
credit.lot                  credit_wallet.credit_export_action               OPEN
credit.reconciliation       action_export_xlsx                               ACT
credit.reconciliation       action_print_pdf                                 ACT
credit.reverse              action_confirm                                   ACT
credit.wallet               action_view_entries                              OPEN
credit.wallet               credit_wallet.credit_adjust_action               OPEN
credit.wallet               credit_wallet.credit_export_action               OPEN
event.event                 action_book_group                                OPEN
event.event                 action_cancel_session                            OPEN
event.event                 action_close_attendance                          OPEN
event.event                 action_keep_session                              ACT
event.event                 action_move_session                              OPEN
event.event                 action_reopen_attendance                         ACT
event.event                 action_view_attendance                           OPEN
event.event                 session_booking.action_report_attendance_sheet   ACT
event.registration          action_ask_cancel                                OPEN
event.registration          action_give_back                                 OPEN
event.registration          action_resend_confirmation                       ACT
event.type                  action_plan_series                               OPEN
event.type                  action_view_sessions                             OPEN
legal.check                 action_complete                                  ACT
legal.invoice.download      action_download                                  ACT
month.lock                  action_lock                                      ACT
payment.dispute             action_accept                                    ASK
payment.dispute             action_refresh                                   ACT
payment.dispute             action_submit                                    ASK
payment.dispute             action_view_invoices                             OPEN
payment.dispute             action_view_subscriptions                        OPEN
product.template            action_repair_service                            ACT
quota.api.key               action_generate                                  ACT
quota.api.key               action_revoke                                    ASK
quota.api.key               action_rotate                                    ACT
quota.credit.purchase       action_confirm                                   ACT
quota.status                action_prepare_change                            OPEN
quota.status                action_write                                     OPEN
res.config.settings         action_legal_checklist                           OPEN
res.config.settings         action_renew_lms_secret                          ASK
res.partner                 action_view_credit_wallet                        OPEN
res.partner                 action_view_subscriptions                        OPEN
res.partner                 action_view_unpaid                               OPEN
sale.order                  action_view_subscriptions                        OPEN
session.attendance          action_absent                                    ACT
session.attendance          action_expected                                  ACT
session.attendance          action_present                                   ACT
session.attendance.close    action_confirm                                   ACT
session.cancel              action_confirm                                   ACT
session.group.booking       action_confirm                                   ACT
session.move                action_confirm                                   ACT
session.seat.cancel         action_confirm                                   ACT
session.series              action_confirm                                   ACT
session.waiting             action_accept                                    ASK
session.waiting             action_leave                                     ASK
stripe.difference           action_accept                                    ACT
stripe.difference           action_take_over                                 ACT
stripe.event                action_ignore                                    ACT
stripe.event                action_replay                                    ACT
stripe.health               action_differences                               OPEN
stripe.health               action_events                                    OPEN
stripe.health               action_failed                                    OPEN
stripe.health               action_waiting                                   OPEN
stripe.statement            action_export_xlsx                               ACT
stripe.statement            action_fetch                                     ACT
stripe.statement            action_view_differences                          OPEN
stripe.statement            action_view_rows                                 OPEN
stripe.statement            action_view_strangers                            OPEN
subscription.cancel         action_confirm                                   ACT
subscription.cancel         action_refund_by_transfer                        ACT
subscription.cancel         action_refund_to_card                            ACT
subscription.change.request action_confirm                                   ACT
subscription.dunning.wait   action_confirm                                   ACT
subscription.period         action_ask_for_card                              ASK
subscription.period         action_charge_now                                ASK
subscription.period         action_invoice_again                             ACT
subscription.period         action_open_subscription                         OPEN
subscription.period         action_view_invoice                              OPEN
subscription.period         subscription_billing.subscription_dunning_wait_action OPEN
subscription.period         subscription_billing.subscription_write_off_action OPEN
subscription.plan           action_repair_service                            ACT
subscription.plan           action_view_subscriptions                        OPEN
subscription.plan           action_withdraw_from_sale                        ASK
subscription.plan.price     subscription_billing.subscription_price_change_action OPEN
subscription.price.change   action_confirm                                   ACT
subscription.run            action_run_now                                   ACT
subscription.subscription   action_ask_for_card                              ACT
subscription.subscription   action_charge_now                                ACT
subscription.subscription   action_drop_change                               ACT
subscription.subscription   action_keep                                      ACT
subscription.subscription   action_pause                                     ASK
subscription.subscription   action_release                                   ACT
subscription.subscription   action_resume                                    ASK
subscription.subscription   action_start                                     ACT
subscription.subscription   action_view_credits                              OPEN
subscription.subscription   action_view_disputes                             OPEN
subscription.subscription   action_view_invoices                             OPEN
subscription.subscription   action_view_order                                OPEN
subscription.subscription   action_view_outstanding_credits                  OPEN
subscription.subscription   action_view_quota                                OPEN
subscription.subscription   action_view_unpaid                               OPEN
subscription.subscription   quota_credit.quota_credit_purchase_action        OPEN
subscription.subscription   subscription_billing.subscription_cancel_action  OPEN
subscription.subscription   subscription_billing.subscription_change_request_action OPEN
subscription.write.off      action_confirm                                   ACT
"""
# Console messages that are not ours.
QUIET = ("selfie_segmentation",)  # a file that Debian's Odoo lacks


@dataclasses.dataclass(frozen=True)
class Action:
    """An action that opens a window or a page of scripts."""

    id: int
    name: str
    model: str
    views: tuple
    dialog: bool
    domain: str
    binding: str


@dataclasses.dataclass(frozen=True)
class View:
    """A view, and the primary one that it changes: itself, unless it extends another."""

    id: int
    name: str
    root: int
    model: str
    type: str


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Open the demo with a month of payments by card in it, and what the demo has none of."""
    from ops.demo_payments import ACCOUNT, Month, open_account

    made = PaymentHouse("caps_test_walk", tmp_path_factory.mktemp("walk")).start()
    with made.env() as env:
        provider = env.ref("payment.payment_provider_stripe")
        open_account(env, provider, *ACCOUNT)
        provider_id = provider.id
    Month(made.name, made.stripe, provider_id).tell()
    with made.env() as env:
        make_rare(env)
    yield made
    made.stop()


def make_rare(env):
    """Make what shows buttons that no record of the demo shows."""
    stories = Stories(env)
    stories.subscriptions()
    stories.credits()
    stories.quotas()
    stories.rare()


class Catalogue:
    """What is ours in a database: menus, actions, views and their buttons."""

    def __init__(self, env):
        self.names = {
            (data.model, data.res_id): data.complete_name
            for data in env["ir.model.data"].search([("module", "in", paths.our_addons())])}
        self.menus = {name for (model, _id), name in self.names.items() if model == "ir.ui.menu"}
        self.actions = [
            Action(action.id, action.xml_id, action.res_model,
                   tuple(kind for _id, kind in action.views), action.target == "new",
                   action.domain or "[]", action.binding_model_id.model)
            for action in self._records(env, "ir.actions.act_window")]
        self.ids = {name: res_id for (model, res_id), name in self.names.items()
                    if model.startswith("ir.actions.")}
        self.views = []
        self.buttons = defaultdict(set)  # (model, name) -> {(root, type of view, when hidden)}
        for view in self._records(env, "ir.ui.view"):
            if view.active and view.type in VIEWS:
                self.views.append(View(
                    view.id, view.xml_id, _root(view).id, view.model, view.type))
                self._find_buttons(view)

    def _records(self, env, model):
        return env[model].browse(sorted(
            res_id for kind, res_id in self.names if kind == model))

    def _find_buttons(self, view):
        for button in etree.fromstring(view.arch_db).iter("button", "a"):
            name, kind = button.get("name"), button.get("type")
            if not name or kind not in ("object", "action"):
                continue  # or the place in Odoo's view where ours is put
            if kind == "action":
                action = view.env["ir.actions.actions"].browse(int(name))
                name = view.env[action.type].browse(action.id).get_external_id()[action.id]
            self.buttons[_model_at(view, button), name].add(
                (_root(view).id, view.type, _when_hidden(button)))


def _root(view):
    """Return the primary view that a view changes, or the view itself."""
    while view.mode == "extension" and view.inherit_id:
        view = view.inherit_id
    return view


def _when_hidden(button):
    """Return the expression that tells when a button is not shown, for itself or what it is in."""
    hidden = [button.get("invisible")]
    for parent in button.iterancestors():
        if parent.tag == "list":
            break  # what is above is about another record
        hidden.append(parent.get("invisible"))
    return " or ".join(f"({one})" for one in hidden if one)


def _model_at(view, node):
    """Return the model that a button of a view acts upon: that of the list it stands in."""
    model = view.env[view.model]
    for field in reversed(list(node.iterancestors("field"))):
        if field.get("name") in model._fields and model._fields[field.get("name")].comodel_name:
            model = view.env[model._fields[field.get("name")].comodel_name]
    return model._name


def table():
    """Read the table of buttons.

    :return: dict: (model, name) -> OPEN, ASK or ACT
    """
    return {(model, name): kind for model, name, kind in map(
        str.split, BUTTONS.strip().splitlines())}


class Values(dict):
    """Values of a record, as expressions of views know them."""

    def __init__(self, record):
        super().__init__(context={})
        self.record = record

    def __missing__(self, name):
        if name not in self.record._fields:
            raise KeyError(name)
        value = self.record[name]
        if self.record._fields[name].relational:
            return value.ids if self.record._fields[name].type != "many2one" else value.id
        return value


class Walk:
    """One role's walk in one page of the browser.

    :ivar dict count: what was opened, by kind
    :ivar list faults: of (where, what)
    """

    def __init__(self, house, catalogue, user_id, page, name):
        self.house = house
        self.catalogue = catalogue
        self.user_id = user_id
        self.page = page
        self.name = name
        self.count = Counter()
        self.faults = []
        self.slow = []
        self.console = []
        self.opened = set()  # ids of actions
        self.seen = set()  # ids of primary views
        self.pressed = set()  # (model, name) of buttons
        self.place = None  # where the last button was pressed, if the page is still there
        page.on("console", lambda message: message.type == "error" and self.console.append(
            f"{message.text} {message.location.get('url', '')}"))
        page.on("pageerror", lambda error: self.console.append(str(error)))

    def start(self):
        """Open the web client, or open it anew after a fault."""
        self.page.goto("/odoo")
        self.page.wait_for_selector(".o_main_navbar")
        self.page.wait_for_function("window.odoo && odoo.__WOWL_DEBUG__")
        self.page.evaluate(SCRIPT)

    def run(self):
        """Open all that this role may open."""
        started = time.monotonic()
        self.start()
        self.menus()
        self.buttons()
        if self.name.startswith(THOROUGH):
            self.rest()
        self.count["seconds"] = round(time.monotonic() - started)

    def do(self, where, what, *arguments):
        """Do something in the page, and look for faults at what it shows.

        :return: dict: what is shown; None when there is no such button
        """
        shown = self.page.evaluate(
            "([what, args]) => walk[what](...args)", [what, list(arguments)])
        if shown is None:
            return None
        self.slow.append((shown["ms"], f"{self.name}: {where}"))
        self.opened.update(shown["actions"])
        self.seen.update(shown["views"])
        if faults := self._faults(shown):
            self._picture(where)
            self.faults += [(where, fault) for fault in faults]
            if shown["error"] or shown["failed"]:
                self.start()
        return shown

    def _faults(self, shown):
        """List what is wrong with a page or dialog."""
        console = [line for line in self.console if not any(name in line for name in QUIET)]
        self.console.clear()
        faults = [*shown["failed"], *console]
        if shown["error"]:
            faults.append(f"error dialog: {shown['error']}")
        for text in {*shown["words"], shown["title"], *shown["notices"]}:
            if words := english_words(text):
                faults.append(f"in English ({', '.join(words)}): {text}")
            faults += [f"raw name: {name}" for name in raw_names(text)]
            faults += [f"not French: {words}" for words in misfits(text)]
        faults += [f"raw name: {name}" for text in shown["values"] for name in raw_names(text)]
        return faults

    def _picture(self, where):
        """Keep a picture of the page, for whoever reads the failure."""
        if len(self.faults) < MAX_PICTURES:
            PICTURES.mkdir(parents=True, exist_ok=True)
            name = re.sub(r"\W+", "_", f"{self.name} {where}").strip("_")[:100]
            self.page.screenshot(path=PICTURES / f"{name}.png")

    def menus(self):
        """Click each menu, then look at each view of its action."""
        actions = {action.id: action for action in self.catalogue.actions}
        for menu in self.page.evaluate("walk.menus()"):
            if menu["xmlid"] not in self.catalogue.menus or not menu["action"]:
                continue
            self.count["menus"] += 1
            shown = self.do(menu["xmlid"], "menu", menu["id"])
            self.opened.add(menu["action"])
            if shown["dialogs"]:
                self.count["dialogs"] += 1
            elif action := actions.get(menu["action"]):
                self.views(action, shown)

    def views(self, action, shown):
        """Look at the views of an action that is open: each kind, a form of its first record."""
        self.count["views"] += 1
        for kind in action.views:
            if kind == shown["view"]:
                continue
            if kind == "form":
                record = self.record(action.model, self._domain(action))
                if record:
                    self.do(f"{action.name} form", "view", "form", {"resId": record})
                    self.count["views"] += 1
                if record or not self.may(action.model, "create"):
                    continue
                self.do(f"{action.name} new form", "view", "form", {})
            else:
                self.do(f"{action.name} {kind}", "view", kind)
            self.count["views"] += 1

    def _domain(self, action):
        from odoo.tools.safe_eval import safe_eval

        return safe_eval(action.domain, {"uid": self.user_id, "active_id": 0, "active_ids": []})

    @contextlib.contextmanager
    def env(self):
        """Read as this role does, in its company."""
        with self.house.env() as env:
            yield env(user=self.user_id)

    def record(self, model, domain=()):
        """Return the id of the first record that this role finds, if any."""
        with self.env() as env:
            if not env[model].has_access("read"):
                return None
            if not env[model]._auto:
                return None
            return env[model].search(list(domain), limit=1).id

    def may(self, model, operation):
        """Tell whether this role has the right."""
        with self.env() as env:
            return env[model].has_access(operation)

    def buttons(self):
        """Press each button of ours that opens something or asks first."""
        for (model, name), kind in table().items():
            if kind == "ACT":
                continue
            for root, view, hidden in sorted(self.catalogue.buttons.get((model, name), ())):
                if record := self._shows(model, hidden):
                    self._press(model, name, root, view, record)

    def _shows(self, model, hidden):
        """Return the id of a record that shows a button, if any.

        :param str hidden: Python expression of the view
        """
        from odoo.exceptions import AccessError

        with self.env() as env:
            if not env[model].has_access("read"):
                return None
            if env[model]._transient:
                return env[model].create({}).id
            for record in env[model].search([], limit=60):
                try:
                    if not hidden or not eval(hidden, {}, Values(record)):
                        return record.id
                except AccessError as error:  # a form of ours shows what its reader may not read
                    self.faults.append((f"{model}: {hidden}", str(error)))
                    return None

    def _press(self, model, name, root, view, record):
        with self.env() as env:
            host = env["ir.ui.view"].sudo().browse(root).model
            if host in NEEDS and not env.user.has_groups(NEEDS[host]):
                return
        where = f"{model} {name} in {view}"
        if host != model:
            record = self._host(host, model, record)
        action = {"type": "ir.actions.act_window", "res_model": host, "views": [[root, view]],
                  "domain": [["id", "=", record]], "target": "current"}
        if view == "form":
            action["res_id"] = record
        key = host, root, view, record
        if self.place != key:
            self.do(f"{host} {view} {root}", "open", action)
            if view == "list":
                self.page.evaluate("walk.tick()")
        self.place = key
        shown = self.do(where, "press", str(self.catalogue.ids.get(name, name)))
        if shown:
            self.pressed.add((model, name))
            self.count["buttons"] += 1
            self.count["dialogs" if shown["dialogs"] else "views"] += 1
            if shown["dialogs"]:
                self.page.evaluate("walk.close()")
            else:
                self.place = None

    def _host(self, host, model, record):
        """Return the record whose form has a list with this one."""
        with self.env() as env:
            for field in env[host]._fields.values():
                if field.type == "one2many" and field.comodel_name == model:
                    return env[model].browse(record)[field.inverse_name].id

    def rest(self):
        """Open the actions and views that neither a menu nor a button has led to."""
        for action in self.catalogue.actions:
            if action.id in self.opened or not self.may(
                    action.model, "create" if action.dialog else "read"):
                continue
            context = {}
            if action.binding and (record := self.record(action.binding)):
                context = {"active_id": record, "active_ids": [record],
                           "active_model": action.binding}
            shown = self.do(action.name, "open", action.id, {"additionalContext": context})
            self.count["actions"] += 1
            if shown["dialogs"]:
                self.count["dialogs"] += 1
            else:
                self.views(action, shown)
        for view in self.catalogue.views:
            if view.root in self.seen or not self.may(view.model, "read"):
                continue
            with self.env() as env:
                if env[view.model]._transient:
                    continue  # opened by its button, or not by this role
            action = {"type": "ir.actions.act_window", "res_model": view.model,
                      "views": [[view.root, view.type]], "target": "current"}
            if view.type == "form":
                action["res_id"] = self.record(view.model)
            self.do(f"{view.name}", "open", action)
            self.seen.add(view.root)
            self.count["views"] += 1


def make_users(house, company=None):
    """Make the staff: a user for each role, who speaks French.

    :param company: of users who see no data; None: the demo's
    :return: dict: role -> id
    """
    users = {}
    with house.env() as env:
        for role, groups in ROLES.items():
            if company and role not in EMPTY_ROLES:
                continue
            if isinstance(groups, str):
                user = env["res.users"].search([("login", "=", groups)])
                if not company:
                    users[role] = user.id
                    continue
                groups = user.group_ids.ids
            else:
                groups = [env.ref("base.group_user").id, *(env.ref(name).id for name in groups)]
            users[role] = env["res.users"].with_context(no_reset_password=True).create({
                "name": f"Rôle {len(users)}", "login": f"walk {role} {company or ''}",
                "lang": "fr_FR", "tz": "Europe/Paris", "email": "walk@example.com",
                "company_id": company or env.company.id,
                "company_ids": [(6, 0, [company or env.company.id])],
                "group_ids": [(6, 0, groups)]}).id
    return users


def make_company(house):
    """Make a company that has nothing yet.

    :return: its id
    """
    with house.env() as env:
        return env["res.company"].create({
            "name": "Sans rien", "country_id": env.ref("base.fr").id,
            "currency_id": env.ref("base.EUR").id}).id


def walk(house, browser, record_property, data, users):
    """Walk as each of the users; fail with all faults, or print what was opened.

    :return: list of :class:`Walk`
    """
    with house.env() as env:
        catalogue = Catalogue(env)
        cookies = {role: house._signed_in(env["res.users"].browse(user))
                   for role, user in users.items()}
    walks = []
    for role, user in users.items():
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, locale="fr-FR", base_url=house.url)
        context.add_cookies([{"name": "session_id", "value": cookies[role], "url": house.url}])
        page = context.new_page()
        page.set_default_timeout(30_000)
        walks.append(Walk(house, catalogue, user, page, f"{role}, {data}"))
        walks[-1].run()
        context.close()
    record_property("table", summary(walks))
    return walks


def summary(walks):
    """Write a row for each walk, and the slowest pages."""
    columns = ("menus", "actions", "views", "buttons", "dialogs", "seconds")
    lines = [f"{'':<30}" + "".join(f"{name:>9}" for name in (*columns, "errors"))]
    for one in walks:
        lines.append(f"{one.name:<30}" + "".join(
            f"{one.count[name]:>9}" for name in columns) + f"{len(one.faults):>9}")
    pressed = set().union(*(one.pressed for one in walks))
    never = sorted(f"{model} {name}" for (model, name), kind in table().items()
                   if kind != "ACT" and (model, name) not in pressed)
    slow = sorted((row for one in walks for row in one.slow), reverse=True)[:5]
    return "\n".join([*lines, "slowest:", *(f"{ms:>7} ms  {where}" for ms, where in slow),
                      "buttons that no record showed:", *(f"        {name}" for name in never)])


def complaints(walks):
    """Gather the faults, each said once with the places where it was met."""
    places = defaultdict(list)
    for one in walks:
        for where, what in one.faults:
            places[what].append(f"{one.name}: {where}")
    return [f"{what}\n    {len(where)} times, first: {where[0]}" for what, where in places.items()]


def test_every_button_has_its_row(house):
    """A new button needs its row in the table above, and a row its button."""
    with house.env() as env:
        assert set(Catalogue(env).buttons) == set(table())


def test_walk_with_the_data_of_the_demo(house, browser, record_property):
    walks = walk(house, browser, record_property, "demo", make_users(house))
    print(summary(walks))
    assert not complaints(walks), "\n".join(complaints(walks))
    counts = sum((one.count for one in walks), Counter())
    assert counts["menus"] > 100 and counts["dialogs"] > 50  # or the walk went nowhere


def test_walk_with_none(house, browser, record_property):
    walks = walk(house, browser, record_property, "none", make_users(house, make_company(house)))
    print(summary(walks))
    assert not complaints(walks), "\n".join(complaints(walks))
