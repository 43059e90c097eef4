"""The demo company: a French training centre, its customers, packs, trainings and sessions.

Called with Odoo's own options on a fresh copy of the template; every amount goes through the
product's own flows (order, invoice, payment, booking), so the books of the demo agree.
"""

import base64
import io
import sys
from datetime import datetime, time, timedelta

import pytz
from PIL import Image, ImageDraw, ImageFont

from odoo import api
from odoo.modules.registry import Registry
from odoo.tools import config

PARIS = pytz.timezone("Europe/Paris")
LMS = "http://127.0.0.1:8073/lms"

PACKS = [  # credits, price without tax, months of validity
    (1, 30.0, 6), (5, 140.0, 12), (10, 260.0, 12), (20, 480.0, 18)]

TRAININGS = [  # French name, English name, theme, credits, seats, hours, weekday and hour, online
    ("Prise de parole en public", "Public speaking", "Communication", 2, 10, 2, (1, 18), True),
    ("Gérer un conflit au travail", "Handling a conflict at work", "Communication", 3, 8, 3,
     (3, 9), False),
    ("Tableurs : aller plus loin", "Spreadsheets: the next step", "Numérique", 2, 12, 2,
     (0, 14), True),
    ("L’IA au quotidien", "AI in everyday work", "Numérique", 1, 2, 1, (2, 12), True),
    ("Manager à distance", "Managing at a distance", "Management", 4, 6, 4, (4, 9), True),
    ("Premiers pas de manager", "First steps as a manager", "Management", 3, 10, 3,
     (1, 9), False),
]
PLANS = [  # name, price a month, price a year, what it includes in French and English
    ("Starter", 19.0, 190.0, "Pour une personne : l’essentiel pour bien commencer.",
     "For one person: all it takes to start well."),
    ("Pro", 49.0, 490.0, "Pour une équipe : davantage de volume et une aide prioritaire.",
     "For a team: more volume and priority support."),
    ("Scale", 149.0, 1490.0, "Pour une entreprise : de grands volumes et un suivi dédié.",
     "For a company: large volumes and a dedicated contact."),
]
METRICS = [  # code, kind, name and unit in French and English
    ("preparations", "period", ("Préparations", "préparations"), ("Preparations", "preparations")),
    ("scans", "period", ("Scans", "scans"), ("Scans", "scans")),
    ("accounts", "held", ("Comptes", "comptes"), ("Accounts", "accounts")),
    ("api_access", "feature", ("Accès à l’API", ""), ("API access", "")),
]
LIMITS = {  # of each plan, by metric; None: unlimited
    "Starter": {"preparations": 50, "scans": 200, "accounts": 2},
    "Pro": {"preparations": 500, "scans": 2000, "accounts": 10, "api_access": 1},
    "Scale": {"preparations": None, "scans": 20000, "accounts": 50, "api_access": 1},
}
OVERAGE = {("Scale", "scans"): 0.05}  # price of one beyond: billed, not refused
QUOTA_PACKS = [  # metric, units, price without tax, price in credits
    ("scans", 100, 9.0, 1), ("scans", 1000, 69.0, 3), ("preparations", 50, 12.0, 0)]
CREDITS_A_MONTH = (10, 220.0)  # credits and price without tax of the INSAHO plan
DESCRIPTION = """<p>{name} : une session courte et concrète, en petit groupe, avec des exercices
et un retour personnel de la formatrice.</p><h3>Objectifs</h3><ul><li>Comprendre les principes
utiles dès le lendemain</li><li>S’exercer sur des situations réelles</li><li>Repartir avec une
fiche mémo</li></ul><h3>Public</h3><p>Tout public, sans prérequis.</p>"""

OBJECTIVES = """<ul><li>Comprendre les principes utiles dès le lendemain</li><li>S’exercer sur
des situations réelles</li></ul>"""


def _logo():
    image = Image.new("RGB", (520, 130), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((10, 15, 110, 115), fill="#714B67")
    font = ImageFont.truetype("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf", 52)
    draw.text((37, 32), "C", fill="white", font=font)
    draw.text((130, 32), "Cap Insaho", fill="#714B67", font=font)
    output = io.BytesIO()
    image.save(output, "PNG")
    return base64.b64encode(output.getvalue())


def make_company(env):
    """Describe the training centre."""
    company = env.company
    company.write({
        "name": "Cap Insaho Formation",
        "street": "12 rue des Apprentis", "zip": "69003", "city": "Lyon",
        "country_id": env.ref("base.fr").id,
        "phone": "+33 4 72 00 00 00", "email": "contact@insaho.example",
        "website": "https://www.insaho.example",
        "vat": "FR44732829320", "company_registry": "73282932000074",
        "logo": _logo(), "credit_tz": "Europe/Paris", "lms_allowed_hosts": "127.0.0.1",
        "training_declaration": "84 69 12345 69",
        "external_report_layout_id": env.ref("web.external_layout_standard").id,
        "training_region": "Auvergne-Rhône-Alpes",
        "legal_form": "sas", "legal_capital": 10000.0, "legal_rcs_city": "Lyon",
        # Its numbers stand at the foot of every page.
        "company_details": (
            "Cap Insaho Formation<br/>12 rue des Apprentis<br/>69003 Lyon<br/>"
            "contact@insaho.example"),
        "report_footer": False,
        "bank_ids": [(0, 0, {"acc_number": "FR76 3000 6000 0112 3456 7890 189",
                             "partner_id": company.partner_id.id})],
    })
    company.partner_id.tz = "Europe/Paris"
    company._credit_create_accounts()
    env["ir.config_parameter"].set_param("auth_signup.invitation_scope", "b2c")
    return company


def make_website(env):
    """Describe the website, in French and in English."""
    website = env["website"].search([], limit=1)
    french = env.ref("base.lang_fr")
    website.write({
        "name": "Cap Insaho", "company_id": env.company.id, "default_lang_id": french.id,
        "language_ids": [(6, 0, [french.id, env.ref("base.lang_en").id])],
        "account_on_checkout": "mandatory", "auth_signup_uninvited": "b2c",
        "show_line_subtotals_tax_selection": "tax_included",  # what consumers pay
        "logo": _logo(),
    })
    # Fonts of the reader's system: none are fetched from elsewhere, no visitor is told on.
    fonts = {name: "'SYSTEM_FONTS'" for name in (
        "font", "headings-font", "navbar-font", "buttons-font")}
    env["website.assets"].with_context(website_id=website.id).make_scss_customization(
        "/website/static/src/scss/options/user_values.scss", fonts)
    env.ref("website_sale.product_terms_and_conditions").active = False
    _own_contact_details(env, env.company)
    provider = env.ref("payment.payment_provider_demo")
    provider.write({"state": "test", "is_published": True, "website_id": website.id})
    return website


def _own_contact_details(env, company):
    """Put the centre's details where Odoo's header and footer have made-up ones."""
    details = {
        "+1 555-555-5556": company.phone, "info@yourcompany.example.com": company.email,
        "Company name": company.name, "Nom de l'entreprise": company.name,
        "Nom de l’entreprise": company.name}
    for view in env["ir.ui.view"].search([("key", "=like", "website.%")]):
        for lang in ("en_US", "fr_FR"):
            arch = view.with_context(lang=lang).arch_db
            changed = arch
            for made_up, own in details.items():
                changed = changed.replace(made_up, own)
            if changed != arch:
                view.with_context(lang=lang).arch_db = changed


def _coins(credits):
    """Draw the picture of a pack: as many coins as credits."""
    image = Image.new("RGB", (800, 600), "#f3eef1")
    draw = ImageDraw.Draw(image)
    columns = min(credits, 5)
    rows = -(-credits // columns)
    size = 100
    left, top = (800 - columns * (size + 20) + 20) // 2, (600 - rows * (size + 20) + 20) // 2
    for number in range(credits):
        x = left + (number % columns) * (size + 20)
        y = top + (number // columns) * (size + 20)
        draw.ellipse((x, y, x + size, y + size), fill="#714B67")
        draw.ellipse((x + 10, y + 10, x + size - 10, y + size - 10), outline="#f0a828", width=6)
    output = io.BytesIO()
    image.save(output, "PNG")
    return base64.b64encode(output.getvalue())


def make_users(env):
    """Create the customers and the staff, with their passwords."""
    def user(login, name, groups, password, **partner):
        made = env["res.users"].with_context(no_reset_password=True).create({
            "name": name, "login": login, "email": login, "password": password,
            "lang": "fr_FR", "tz": "Europe/Paris",
            "group_ids": [(6, 0, [env.ref(group).id for group in groups])]})
        made.partner_id.write(partner)
        return made

    address = {"street": "5 place des Terreaux", "zip": "69001", "city": "Lyon",
               "country_id": env.ref("base.fr").id, "phone": "+33 6 12 34 56 78"}
    env.ref("base.user_admin").write({"name": "Agnès Admin", "lang": "fr_FR", "tz": "Europe/Paris",
                                      "email": "admin@insaho.example"})
    user("comptable@insaho.example", "Chantal Comptable",
         ["base.group_user", "account.group_account_manager", "credit_wallet.group_credit_user",
          "subscription_billing.group_subscription_user"],
         "comptable")
    client = user("client@insaho.example", "Camille Client", ["base.group_portal"], "client",
                  **address)
    acme = env["res.partner"].create({
        "name": "ACME SAS", "is_company": True, "email": "factures@acme.example",
        "vat": "FR40303265045", "lang": "fr_FR", **address})
    manager = user("responsable@acme.example", "Rachid Responsable", ["base.group_portal"],
                   "responsable")
    manager.partner_id.parent_id = acme
    employee = user("employee@acme.example", "Emma Employée", ["base.group_portal"], "employee")
    employee.partner_id.parent_id = acme
    acme._set_roles(manager.partner_id, ["is_manager"])
    acme._set_roles(employee.partner_id, [])  # a learner
    others = env["res.partner"].create([
        {"name": name, "email": f"{name.split()[0].lower()}@example.com", "lang": "fr_FR",
         **address} for name in ("Nadia Benali", "Hugo Martin", "Léa Petit")])
    return client, acme, manager, others


def make_packs(env):
    """Create the packs of credits."""
    category = env.ref("credit_wallet.public_category_packs")
    packs = {}
    vat = env["account.tax"].search([
        ("type_tax_use", "=", "sale"), ("amount", "=", 20), ("tax_scope", "=", "service"),
        ("price_include_override", "!=", "tax_included")], limit=1)
    for credits, price, months in PACKS:
        plural = "s" if credits > 1 else ""
        pack = env["product.template"].create({
            "name": f"Pack {credits} crédit{plural}",
            "type": "service", "service_tracking": "credit_pack", "invoice_policy": "order",
            "credit_count": credits, "credit_validity_months": months, "list_price": price,
            "taxes_id": [(6, 0, vat.ids)],
            "is_published": True, "website_sequence": credits, "image_1920": _coins(credits),
            "public_categ_ids": [(6, 0, category.ids)],
            "description_sale": f"{credits} crédit{plural} à utiliser sur toutes nos formations, "
                                f"pendant {months} mois.",
        })
        pack.with_context(lang="en_US").write({
            "name": f"Pack of {credits} credit{plural}",
            "description_sale": f"{credits} credit{plural} for all our trainings, "
                                f"valid {months} months."})
        packs[credits] = pack
    return packs, vat


def make_plans(env, vat):
    """Make Starter, Pro and Scale, by the month or year; two weeks of Pro are free of charge."""
    family = env["subscription.family"].create({"name": "Plateforme"})
    family.with_context(lang="en_US").name = "Platform"
    plans = {}
    for name, month, year, french, english in PLANS:
        plan = env["subscription.plan"].create({
            "name": name, "family_id": family.id, "list_price": month,
            "taxes_id": [(6, 0, vat.ids)], "is_published": True,
            "description_sale": french,
            "trial_days": 14 if name == "Pro" else 0,
            "price_ids": [
                (0, 0, {"interval_unit": "month", "amount": month}),
                (0, 0, {"interval_unit": "year", "amount": year})]})
        plan.with_context(lang="en_US").description_sale = english
        plans[name] = plan
    return plans


def make_limits(env, plans):
    """Limit each plan: preparations and scans of a month, accounts, access to the API."""
    metrics = {}
    for sequence, (code, kind, french, english) in enumerate(METRICS):
        metric = env["quota.metric"].create({
            "code": code, "kind": kind, "sequence": sequence, "name": french[0],
            "unit": french[1]})
        metric.with_context(lang="en_US").write({"name": english[0], "unit": english[1]})
        metrics[code] = metric
    for name, limits in LIMITS.items():
        plans[name].quota_interval = "month"
        plans[name].quota_limit_ids = [(0, 0, {
            "metric_id": metrics[code].id, "limit_value": limit or 0,
            "unlimited": limit is None,
            "mode": "soft" if (name, code) in OVERAGE else "hard",
            "overage_price": OVERAGE.get((name, code), 0.0)}) for code, limit in limits.items()]


def make_quota_packs(env, vat):
    """Create extra units, for customers who need more before the quota starts anew."""
    for code, units, price, credits in QUOTA_PACKS:
        metric = env["quota.metric"].search([("code", "=", code)])
        pack = env["product.template"].create({
            "name": f"{units} {metric.unit} de plus", "type": "service",
            "service_tracking": "quota_pack", "invoice_policy": "order",
            "quota_metric_id": metric.id, "quota_units": units, "list_price": price,
            "quota_credit_price": credits, "taxes_id": [(6, 0, vat.ids)], "is_published": True})
        pack.with_context(lang="en_US").name = (
            f"{units} more {metric.with_context(lang='en_US').unit}")


def make_credit_plan(env, vat):
    """Create « 10 crédits/mois »: credits that come with each month's payment and go with the
    month.
    """
    family = env["subscription.family"].create({"name": "Crédits"})
    family.with_context(lang="en_US").name = "Credits"
    plan = env["subscription.plan"].create({
        "name": "INSAHO mensuel — 10 crédits/mois", "family_id": family.id,
        "list_price": CREDITS_A_MONTH[1], "taxes_id": [(6, 0, vat.ids)], "is_published": True,
        "description_sale": "Dix crédits chaque mois pour toutes nos formations.",
        "price_ids": [(0, 0, {"interval_unit": "month", "granted_credits": CREDITS_A_MONTH[0],
                              "amount": CREDITS_A_MONTH[1]})]})
    plan.with_context(lang="en_US").write({
        "name": "INSAHO monthly — 10 credits a month",
        "description_sale": "Ten credits each month for all our trainings."})
    return plan


def subscribe(env, customer, plan, start, **vals):
    """Begin a subscription on a day, its invoices still to be paid."""
    subscription = env["subscription.subscription"].create({
        "partner_id": customer.id, "plan_id": plan.id, "price_id": plan.price_ids[0].id,
        "anchor_date": start, "backlog_confirmed": True, "tz": "Europe/Paris",
        "user_id": env.ref("base.user_admin").id, **vals})
    subscription.action_start()
    return subscription


def pay(env, invoices):
    """Register a payment of the invoices."""
    env["account.payment.register"].with_context(
        active_model="account.move", active_ids=invoices.ids).create({})._create_payments()


def make_subscriptions(env, plans, customers):
    """Create a subscription of some months, one in trial, one cancelled, one on pause."""
    today = datetime.now(PARIS).date()
    starts = [("Starter", today - timedelta(days=45)), ("Pro", today - timedelta(days=3)),
              ("Scale", today - timedelta(days=20)), ("Starter", today - timedelta(days=10))]
    subscriptions = env["subscription.subscription"]
    for customer, (name, start) in zip(customers, starts, strict=False):
        subscriptions += subscribe(env, customer, plans[name], start)
    pay(env, subscriptions.period_ids.invoice_id[1:])
    for subscription, scans in zip(subscriptions, (164, 1210, 4300), strict=False):
        subscription._quota_consume("scans", scans)
        subscription._quota_consume("accounts", 2)
    subscriptions[2]._cancel()
    subscriptions[3]._pause()


def buy(env, partner, pack, quantity=1):
    """Sell a pack in the back office, invoice it, and register its payment."""
    order = env["sale.order"].create({
        "partner_id": partner.id,
        "order_line": [(0, 0, {"product_id": pack.product_variant_id.id,
                               "product_uom_qty": quantity})]})
    order.action_confirm()
    invoice = order._create_invoices()
    invoice.action_post()
    pay(env, invoice)


def make_sessions(env):
    """Create the trainings and their sessions."""
    category = env["event.tag.category"].create({"name": "Thème", "is_published": True})
    category.with_context(lang="en_US").name = "Theme"
    tags = {}
    for color, theme in enumerate(("Communication", "Numérique", "Management"), start=2):
        tags[theme] = env["event.tag"].create(
            {"name": theme, "category_id": category.id, "color": color})
    tags["Numérique"].with_context(lang="en_US").name = "Digital"
    sessions = env["event.event"]
    monday = datetime.now(PARIS).date() + timedelta(days=7 - datetime.now(PARIS).weekday())
    trainer = env["res.partner"].create({"name": "Émilie Formatrice", "lang": "fr_FR"})
    for name, english, theme, credits, seats, hours, (weekday, hour), online in TRAININGS:
        slug = english.lower().replace(" ", "-").replace(":", "")
        training = env["event.type"].create({
            "name": name, "is_training": True, "credit_price": credits,
            "has_seats_limitation": True, "seats_max": seats, "cancel_hours": 48,
            "default_timezone": "Europe/Paris", "trainer_id": trainer.id,
            "training_hours": hours, "training_objectives": OBJECTIVES,
            "training_audience": "Tout public, sans prérequis.",
            "tag_ids": [(6, 0, tags[theme].ids)],
            "lms_url": f"{LMS}/{slug}", "event_type_mail_ids": [(5,)], "question_ids": [(5,)]})
        training.with_context(lang="en_US").name = english
        for week in range(6):
            day = monday + timedelta(weeks=week, days=weekday)
            begin = PARIS.localize(datetime.combine(day, time(hour))).astimezone(pytz.utc)
            begin = begin.replace(tzinfo=None)
            session = env["event.event"].create({
                "name": name, "event_type_id": training.id,
                "date_begin": begin, "date_end": begin + timedelta(hours=hours),
                "address_id": False if online else env.company.partner_id.id,
                "description": DESCRIPTION.format(name=name), "is_published": True})
            session.with_context(lang="en_US").name = english
            sessions += session
    return sessions


def make_attendance(env, sessions, learners):
    """Let a session be over, its attendance noted, one take place today, and one lack attendees.
    """
    wallets = env["credit.wallet"]
    online = sessions[0].event_type_id
    few = sessions.event_type_id.filtered(lambda training: training.credit_price == 2) - online
    few.write({"min_attendees": 4, "decision_days": 10})
    sessions.filtered(lambda session: session.event_type_id in few).write(
        {"min_attendees": 4, "decision_days": 10})
    today = datetime.now(PARIS).date()
    for days, hours in ((-7, (9, 17)), (0, (9, 17))):
        begin, end = (
            PARIS.localize(datetime.combine(today + timedelta(days=days), time(hour)))
            .astimezone(pytz.utc).replace(tzinfo=None) for hour in hours)
        session = sessions[0].copy({"address_id": env.company.partner_id.id})
        for partner in learners:
            session._book(wallets._of(partner, env.company), partner, f"demo:{days}:{partner.id}")
        # The one of today is not for sale any more.
        session.write({"date_begin": begin, "date_end": end, "is_published": days < 0})
        if days < 0:
            session.no_show_policy = "return"
            env["session.attendance"]._open(session)
            came = session.registration_ids.filtered(lambda seat: seat.partner_id == learners[0])
            came.attendance_ids.action_present()
            session._close_attendance("absent")
    env["event.event"].search([("to_decide", "=", True)])._remind_to_decide()


def main():
    """Fill the database of the demo."""
    config.parse_config(sys.argv[1:], setup_logging=True)
    with Registry(config["db_name"][0]).cursor() as cr:
        env = api.Environment(cr, api.SUPERUSER_ID, {"lang": "fr_FR", "tz": "Europe/Paris"})
        make_company(env)
        make_website(env)
        client, acme, manager, others = make_users(env)
        packs, vat = make_packs(env)
        buy(env, client.partner_id, packs[10])
        buy(env, client.partner_id, packs[1], 2)
        buy(env, acme, packs[20])
        for partner in others:
            buy(env, partner, packs[5])
        wallets = env["credit.wallet"]
        wallets._of(acme, env.company).spender_ids = manager.partner_id
        sessions = make_sessions(env)
        # One session is full, another nearly so.
        small = sessions.filtered(lambda session: session.seats_max == 2)
        for number, (session, partner) in enumerate(
                [(small[0], others[0]), (small[0], others[1]), (small[1], others[2]),
                 (sessions[0], others[0])]):
            session._book(wallets._of(partner, env.company), partner, f"demo:{number}")
        make_attendance(env, sessions, others[1:])
        plans = make_plans(env, vat)
        make_limits(env, plans)
        make_quota_packs(env, vat)
        make_subscriptions(env, plans, [client.partner_id, acme, *others])
        monthly = subscribe(
            env, others[2], make_credit_plan(env, vat),
            datetime.now(PARIS).date() - timedelta(days=5))
        pay(env, monthly.period_ids.invoice_id)
        # The past of the demo was mailed in the past.
        env["mail.mail"].search([]).unlink()
        env["account.move"].search([("sending_data", "!=", False)]).sending_data = False


if __name__ == "__main__":
    main()
