"""Everything of ours speaks French to whoever reads French: what is stored, what people and
scheduled actions write, what is printed, and the names of files.
"""

import csv
import datetime
import io
import re
from collections import defaultdict

import lxml.html
import polib
import pytest

from ops import paths
from tests.english import english_words, misfits, raw_names
from tests.house import House
from tests.stories import Stories

ADDONS = (
    "credit_wallet", "invoice_europe_booking", "invoice_europe_subscription", "legal_training",
    "lms_link", "quota_credit", "subscription_credit", "subscription_quota",
    "subscription_stripe")
FRENCH = {"lang": "fr_FR", "tz": "Europe/Paris"}
CODE = re.compile(r"%\(\w+\)[sd]|<[^>]*>|\{\{.*?\}\}|&\w+;", re.S)
CODE_FIELDS = ("print_report_name", "attachment")  # expressions that Odoo lets translate
# What Odoo itself writes when it is installed, before there is a user who reads French.
ODOO_WROTE = re.compile(
    r"Welcome to (the #general channel|Odoo)|This channel is accessible|"
    r"^(Sales Team( Member)?|Server Action|Product( Variant| Category)?|Account|"
    r"Scheduled Actions) créé")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Copy the demo; nothing here needs a server."""
    made = House("caps_test_french", tmp_path_factory.mktemp("french"), processes=1)
    yield made.create()
    made.stop()


def faults(texts):
    """List what is wrong with texts.

    :param texts: pairs of (where, text)
    """
    found = defaultdict(list)
    for where, text in texts:
        text = CODE.sub(" ", text or "")
        for word in (*english_words(text), *raw_names(text), *misfits(text)):
            found[" ".join(text.split())[:160]].append(f"{word} in {where}")
    return [f"{text}: {', '.join(where[:3])}" for text, where in found.items()]


def test_what_is_stored(house):
    """Labels, helps, views, menus, mails, scheduled actions, groups: all that our addons brought
    and that has translations.
    """
    texts = []
    with house.env() as env:
        by_model = defaultdict(list)
        for data in env["ir.model.data"].search([("module", "in", paths.our_addons())]):
            if data.model in env:
                by_model[data.model].append(data)
        for model, rows in by_model.items():
            names = [field.name for field in env[model]._fields.values()
                     if field.translate and field.store and field.name not in CODE_FIELDS]
            records = env[model].with_context(active_test=False).browse(
                [data.res_id for data in rows]).exists()
            known = set(records.ids)
            for data in rows:
                if names and data.res_id in known:
                    texts += _translated(data.complete_name, env[model].browse(data.res_id), names)
    assert len(texts) > 5_000
    assert not faults(texts), "\n".join(faults(texts))


def _translated(where, record, names):
    """Yield the French of the fields of a record; of a view what people read of it."""
    for name in names:
        value = record[name] or ""
        field = record._fields[name]
        if callable(field.translate) and value:
            terms = field.get_trans_terms(value)
            yield from ((f"{where} {name}", term) for term in terms)
        else:
            yield f"{where} {name}", value


def test_apps(house):
    """The screen of apps: names and summaries."""
    with house.env() as env:
        modules = env["ir.module.module"].search([("name", "in", paths.our_addons())])
        texts = [(module.name, text) for module in modules
                 for text in (module.shortdesc, module.summary)]
        same = [module.name for module in modules
                if module.summary and module.summary == module.with_context(
                    lang="en_US").summary]
    assert len(texts) == 2 * len(paths.our_addons())
    assert not faults(texts), "\n".join(faults(texts))
    assert not same, f"not translated: {same}"


def test_what_the_code_says():
    """Every French text of the code, its errors, chatter and mails."""
    texts = [(f"{file.parts[-3]}: {entry.msgid[:40]}", entry.msgstr)
             for file in sorted(paths.ADDONS.glob("*/i18n/fr.po"))
             for entry in polib.pofile(str(file))
             if not any(name in place for place, _line in entry.occurrences
                        for name in CODE_FIELDS)]
    assert len(texts) > 3_000
    assert not faults(texts), "\n".join(faults(texts))


def test_records_say_their_name(house):
    """No screen shows « subscription.change,1 »."""
    from odoo.models import BaseModel

    with house.env() as env:
        nameless = [
            name for name, model in env.registry.items()
            if model._original_module in paths.our_addons() and not model._abstract
            and not model._transient and not model._rec_name
            and model._compute_display_name is BaseModel._compute_display_name]
    assert not nameless


def test_staff_sign_with_their_names(house):
    """No customer reads a mail of « System » or « Administrator »."""
    with house.env() as env:
        users = env["res.users"].search([("share", "=", False), ("login", "!=", "__system__")])
        signatures = {user.login: str(user.signature or "") for user in users}
    wrong = {login: signature for login, signature in signatures.items()
             if re.search("System|Administrator|Public user|OdooBot", signature)}
    assert not wrong


class Flow(Stories):
    """Plays what staff and scheduled actions do, and looks at what was written."""

    MODELS = {  # what people read of what was written
        "mail.message": ("subject", "body"),
        "mail.activity": ("summary", "note"),
        "mail.tracking.value": ("old_value_char", "new_value_char"),
        "account.move": ("ref", "narration"),
        "account.move.line": ("name",),
        "sale.order": ("note",),
        "sale.order.line": ("name",),
        "subscription.event": ("reason",),
        "credit.entry": ("reason", "origin"),
        "ir.attachment": ("name",),
        "account.payment": ("memo",),
    }

    def __init__(self, env):
        super().__init__(env)
        self.before = {model: self.last(model) for model in self.MODELS}

    def last(self, model):
        return self.env[model].search([], order="id desc", limit=1).id

    def texts(self):
        """Yield what was written since, as somebody reads it who reads French."""
        for model, names in self.MODELS.items():
            records = self.env[model].with_context(**FRENCH).search([
                ("id", ">", self.before[model])])
            for record in records:
                for name in names:
                    text = str(record[name] or "")
                    if text and not ODOO_WROTE.search(CODE.sub("", text).strip()):
                        yield f"{model} {name}", text


@pytest.mark.parametrize("story", ["subscriptions", "credits", "quotas"])
def test_what_is_written(house, story):
    with house.env() as env:
        flow = Flow(env)
        getattr(flow, story)()
        env.flush_all()
        env.invalidate_all()
        texts = list(flow.texts())
    assert len(texts) > 20
    assert not faults(texts), "\n".join(faults(texts))


def test_the_books(house):
    """The file of accounting entries: journals, accounts, labels; and the ways to pay."""
    with house.env() as env:
        today = datetime.date.today()
        file = env["l10n_fr.fec.export.wizard"].create({
            "date_from": today.replace(month=1, day=1), "date_to": today, "test_file": True,
        }).generate_fec()
        header, *lines = csv.reader(
            io.StringIO(file["file_content"].decode()), delimiter="|")
        texts = [(f"FEC {name}", cell) for line in lines
                 for name, cell in zip(header, line, strict=True)]
        texts += [("payment method", name) for model in (
            "account.payment.method.line", "payment.method", "payment.provider")
            for name in env[model].search([]).mapped("name")]
        texts += [("dispute", label) for field in ("reason", "status") for _key, label in env[
            "payment.dispute"]._fields[field]._description_selection(env)]
    assert len(lines) > 20
    assert not faults(texts), "\n".join(faults(texts))


def test_what_is_printed(house):
    """Our reports, invoices, badges and tickets, about the demo's records; and their files."""
    from odoo.tools.safe_eval import safe_eval

    texts = []
    with house.env() as env:
        reports = env["ir.model.data"].search([
            ("module", "in", paths.our_addons()), ("model", "=", "ir.actions.report")])
        names = {data.complete_name for data in reports} | {
            "account.account_invoices", "event.action_report_event_registration_badge",
            "event.action_report_event_registration_full_page_ticket",
            "sale.action_report_saleorder"}
        for name in sorted(names):
            report = env.ref(name)
            records = env[report.model].search([], limit=3)
            if report.model == "account.move":
                records = records.search([("move_type", "in", ("out_invoice", "out_refund"))])
            if not records and env[report.model]._transient:
                records = records.create({})
            assert records, name
            html = env["ir.actions.report"]._render_qweb_html(name, records.ids)[0].decode()
            body = lxml.html.fromstring(html)
            texts += [(name, text) for node in body.iter() if node.tag not in ("style", "script")
                      for text in (node.text, node.tail, node.get("alt"), node.get("title"))]
            if report.print_report_name:
                texts.append((f"file of {name}", safe_eval(
                    report.print_report_name, {"object": records[0]})))
    assert not faults(texts), "\n".join(faults(texts))
