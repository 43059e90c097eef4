"""docs/spec/insaho-caps.md §3, « Processus utilisateur », by HTTP calls against running servers."""

import re
import time

import pytest

from sandbox.mail import html_of
from tests import paper
from tests.house import Visitor, alert, field

ADDONS = (
    "invoice_europe_booking", "invoice_europe_subscription", "legal_training",
    "lms_link", "subscription_credit")
pytestmark = pytest.mark.usefixtures("quiet_servers")
PASSWORD = "Cap-sur-2027!"


def sign_up(house, name, login):
    """Create an account on the site as the visitor does: §3.1."""
    visitor = Visitor(house)
    page = visitor.get("/web/signup")
    visitor.post("/web/signup", {"csrf_token": field(page.text, "csrf_token"), "login": login})
    page = visitor.http.get(house.sign_up_link(login), timeout=60)
    answer = visitor.post("/web/signup", {
        **{each: field(page.text, each) for each in ("csrf_token", "confirmed", "login")},
        "name": name, "password": PASSWORD, "confirm_password": PASSWORD})
    assert answer.url.endswith("/my"), answer.url
    visitor.login = login
    visitor.partner_id = int(house.sql(
        f"SELECT partner_id FROM res_users WHERE login = '{login}'"))
    return visitor


def json_answer(visitor, path, server=0, **params):
    """Return the whole answer to a JSON-RPC call: with `result`, or with `error`."""
    answer = visitor.http.post(
        f"{visitor.house.urls[server]}{path}", json={"jsonrpc": "2.0", "params": params},
        timeout=120)
    assert answer.status_code == 200, answer.status_code
    return answer.json()


def json_call(visitor, path, **params):
    body = json_answer(visitor, path, **params)
    assert "error" not in body, body["error"]["data"]["message"]
    return body.get("result")


def order_pack(house, visitor, credits):
    """Order a pack as the shop's own pages do it, up to the card: §3.2.

    :return: the reference of the payment that now waits for the card
    """
    product, template = house.sql(
        "SELECT p.id || ' ' || t.id FROM product_product p JOIN product_template t "
        f"ON t.id = p.product_tmpl_id WHERE t.credit_count = {credits}").split()
    json_call(visitor, "/shop/cart/add", product_template_id=int(template),
              product_id=int(product), quantity=1)
    return checkout(house, visitor)


def checkout(house, visitor):
    """Go from the cart to the payment page, as the shop's own pages do it, up to the card.

    :return: the reference of the payment that now waits for the card
    """
    address = visitor.get("/shop/checkout?try_skip_step=true")
    if "/shop/address" in address.url:
        country = house.sql("SELECT id FROM res_country WHERE code = 'FR'")
        answer = visitor.post("/shop/address/submit", {
            "csrf_token": field(address.text, "csrf_token"), "partner_id": visitor.partner_id,
            "address_type": "billing", "use_delivery_as_billing": "true",
            "callback": "/shop/confirm_order", "required_fields": "name,email,phone",
            "name": "Alice Nouvelle", "email": visitor.login, "phone": "+33612345678",
            "street": "3 rue Neuve", "zip": "69002", "city": "Lyon", "country_id": country})
        assert "redirectUrl" in answer.json(), answer.text
    payment = visitor.get("/shop/payment")
    attributes = {
        name: re.search(rf'data-{name}="([^"]*)"', payment.text)[1]
        for name in ("transaction-route", "access-token", "amount")}
    values = json_call(
        visitor, attributes["transaction-route"], access_token=attributes["access-token"],
        provider_id=int(re.search(r'data-provider-id="(\d+)"', payment.text)[1]),
        payment_method_id=int(re.search(r'data-payment-option-id="(\d+)"', payment.text)[1]),
        token_id=None, flow="direct", tokenization_requested=False,
        landing_route="/shop/payment/validate", is_validation=False)
    return values["reference"]


def buy_pack(house, visitor, credits):
    """Buy a pack with the demo card: §3.2."""
    return pay_by_card(visitor, order_pack(house, visitor, credits))


def pay_by_card(visitor, reference):
    """Pay with the demo card, which the shop accepts and says so."""
    json_call(visitor, "/payment/demo/simulate_payment", reference=reference,
              payment_details="4111111111111111", simulated_state="done")
    json_call(visitor, "/payment/status/poll", csrf_token="")
    confirmation = visitor.get("/shop/payment/validate")
    assert confirmation.url.endswith("/shop/confirmation"), confirmation.url
    return confirmation


def balance(page):
    found = re.search(r'class="[^"]*o_credit_balance[^"]*"[^>]*>([^<]*)<', page)
    return re.sub(r"\s+", " ", found[1]).strip() if found else ""


SELLER = [
    "Cap Insaho Formation, SAS au capital de 10 000,00 €", "12 rue des Apprentis",
    "SIRET 732 829 320 00074", "RCS Lyon 732 829 320", "TVA FR44732829320",
    "Déclaration d’activité enregistrée sous le numéro 84 69 12345 69 auprès du préfet de région "
    "Auvergne-Rhône-Alpes", "Catégorie de l’opération : prestation de services", "Page 1 / 1"]
BETWEEN_PROFESSIONALS = ["10 points", " 40,00 € (Code de commerce, art. D441-5)", "escompte"]


def pdf_page(mail):
    """Return the text of the only page of the invoice in a mail."""
    attached = [part for part in mail.iter_attachments()
                if part.get_content_type() == "application/pdf"]
    assert attached, f"no PDF in {mail['Subject']}"
    page, = paper.pages(attached[0].get_payload(decode=True))
    return page


def test_insaho_3_sign_up_buy_book_and_reach_the_course(house):
    """§3.1 to §3.7: account, pack, credits, calendar, booking, mail, LMS."""
    login = "alice.http@example.com"
    alice = sign_up(house, "Alice Nouvelle", login)
    session_id = house.session(capacity=5, price=2)
    name = house.sql(f"SELECT name->>'fr_FR' FROM event_event WHERE id = {session_id}") or (
        house.sql(f"SELECT name->>'en_US' FROM event_event WHERE id = {session_id}"))

    # Not enough credits: to the packs, and back to the booking after the purchase.
    page = alice.get(f"/trainings/{session_id}")
    assert "Acheter des crédits" in page.text
    assert balance(page.text) == "0 crédit"
    packs = alice.get(f"/credits/packs?back=/trainings/{session_id}")
    assert "/shop/category/" in packs.url and "Pack 5 crédits" in packs.text
    confirmation = buy_pack(house, alice, 5)
    assert balance(confirmation.text) == "5 crédits"
    assert f'href="/trainings/{session_id}"' in confirmation.text

    # §3.3 the credits are in the wallet; the invoice is posted, paid and mailed.
    assert balance(alice.get("/my/credits").text) == "5 crédits"
    assert house.sql(
        "SELECT state || payment_state || amount_total FROM account_move "
        f"WHERE partner_id = {alice.partner_id} AND move_type = 'out_invoice'"
    ) == "postedpaid168.00"
    page = pdf_page(house.mailbox.wait_for_mail(login, "Facture"))
    assert not paper.misses(page, [*SELLER, "Alice Nouvelle", "Pack 5 crédits", "168,00"])
    assert paper.misses(page, BETWEEN_PROFESSIONALS) == BETWEEN_PROFESSIONALS
    house.mailbox.wait_for_mail(login, "Ajout|crédits")

    # §3.4 and §3.5 the calendar, the session, its price and the balance.
    month = house.sql(
        "SELECT to_char(date_begin AT TIME ZONE 'UTC' AT TIME ZONE date_tz, 'YYYY-MM') "
        f"FROM event_event WHERE id = {session_id}")
    assert name in alice.get(f"/trainings?month={month}").text
    page = alice.get(f"/trainings/{session_id}")
    assert "2 crédits" in page.text and balance(page.text) == "5 crédits"

    # §3.6 the booking: credits spent, seat taken, zero-payable invoice posted.
    form = alice.booking_form(session_id)
    booked = alice.book(session_id, form)
    assert "/my/trainings/" in booked.url, alert(booked.text)
    again = alice.book(session_id, form)
    assert again.url == booked.url, "the same click twice is one booking"
    assert balance(alice.get("/my/credits").text) == "3 crédits"
    assert house.sql(f"SELECT seats_booked FROM event_event WHERE id = {session_id}") == "1"
    assert house.sql(
        "SELECT m.state || m.payment_state || m.amount_total FROM account_move m "
        "JOIN credit_entry e ON e.id = m.credit_entry_id "
        f"WHERE e.partner_id = {alice.partner_id} AND e.kind = 'booking'") == "postedpaid0.00"

    # §3.7 the confirmation mail: date, time, name of the training, link to the LMS.
    mail = html_of(house.mailbox.wait_for_mail(login, "place est réservée"))
    begin = house.sql(
        "SELECT to_char(date_begin AT TIME ZONE 'UTC' AT TIME ZONE date_tz, 'HH24:MI') "
        f"FROM event_event WHERE id = {session_id}")
    assert name in mail and begin in mail
    link = re.search(r'href="([^"]*/lms/go/[^"]*)"', mail)[1]
    visits = len(house.lms.visits)
    course = alice.http.get(link, timeout=60)
    assert "Vous êtes sur la plateforme de formation" in course.text
    assert len(house.lms.visits) == visits + 1

    # §2.7 « L'historique des factures sera accessible dans l'espace personnel ».
    invoices = alice.get("/my/invoices").text
    numbers = house.sql(
        "SELECT name FROM account_move WHERE state = 'posted' "
        f"AND partner_id = {alice.partner_id} AND move_type = 'out_invoice'").split()
    assert len(numbers) == 2 and all(number in invoices for number in numbers)
    page = pdf_page(house.mailbox.wait_for_mail(
        login, f"Facture.*{re.escape(sorted(numbers)[-1])}"))
    assert not paper.misses(page, [*SELLER, name, "2 crédits — solde : 3 crédits"])
    check_mailed_once(house, alice, "Facture", 2)
    assert name in alice.get("/my/trainings").text


def check_mailed_once(house, visitor, word, count):
    """Check that every invoice is posted by itself, mailed once in the customer's language and
    filed in the portal, however often the scheduled actions run.

    :param str word: what that language calls an invoice
    """
    invoices = house.rows(
        "SELECT id, name, state FROM account_move WHERE move_type = 'out_invoice' "
        f"AND partner_id = {visitor.partner_id} ORDER BY id")
    assert [state for _id, _name, state in invoices] == ["posted"] * count, invoices
    crons = ("ir_cron_renew", "cron_post_process_payment_tx", "ir_cron_account_move_send",
             "ir_cron_mail_scheduler_action")
    for _id, name, _state in invoices:
        for _turn in range(20):  # the invoices of other tests may stand before it in the queue
            wake(house, *crons)
            if any(name in mail["Subject"] for mail in house.mailbox.mails()):
                break
        house.mailbox.wait_for_mail(visitor.login, re.escape(name))
    wake(house, *crons)
    filed = visitor.get("/my/invoices").text
    for invoice, name, _state in invoices:
        mails = [mail for mail in house.mailbox.mails() if name in mail["Subject"]
                 and visitor.login in mail["X-Envelope-To"] and list(mail.iter_attachments())]
        assert len(mails) == 1, [mail["Subject"] for mail in mails]
        assert f"{word} " in mails[0]["Subject"] and f"{word} {name}" in pdf_page(mails[0])
        assert name in filed and f"/my/invoices/{invoice}" in filed
    assert f"{word} {name}" in downloaded(visitor, invoice)


def wake(house, *crons):
    """Run scheduled actions on a server, as their hour does; one that runs already is waited for.
    """
    admin = house.administrator()
    for name in crons:
        [(cron,)] = house.rows(
            f"SELECT res_id FROM ir_model_data WHERE model = 'ir.cron' AND name = '{name}'")
        for _try in range(30):
            answer = json_answer(
                admin, "/web/dataset/call_kw", model="ir.cron", method="method_direct_trigger",
                args=[[cron]], kwargs={})
            if "error" not in answer:
                break
            time.sleep(0.5)
        assert "error" not in answer, answer["error"]["data"]["message"]


def downloaded(visitor, invoice):
    """Return the text of the only page of an invoice, as its customer downloads it in the portal.
    """
    answer = visitor.get(f"/my/invoices/{invoice}?report_type=pdf&download=true")
    assert answer.headers["Content-Type"] == "application/pdf"
    page, = paper.pages(answer.content)
    return page


def test_invoice_of_a_subscription(house):
    """Issue 7, part 2: the seller, the period of service, nothing that concerns companies."""
    customer = Visitor(house, "client@insaho.example", "client")
    invoice, begin = house.rows(
        "SELECT p.invoice_id, p.date_start FROM subscription_period p "
        "JOIN account_move m ON m.id = p.invoice_id JOIN res_partner c ON c.id = m.partner_id "
        "WHERE c.name = 'Camille Client' AND m.state = 'posted' ORDER BY m.id LIMIT 1")[0]
    page = downloaded(customer, invoice)
    assert not paper.misses(page, [
        *SELLER, "Camille Client", "Starter", f"{begin:%d/%m/%Y}", "Échéance"])
    assert paper.misses(page, BETWEEN_PROFESSIONALS) == BETWEEN_PROFESSIONALS


def test_invoice_between_professionals(house):
    """Decree 2022-1299 and Code de commerce, art. L441-9: what a company must be told."""
    manager = Visitor(house, "responsable@acme.example", "responsable")
    invoice = house.rows(
        "SELECT m.id FROM account_move m JOIN res_partner c ON c.id = m.partner_id "
        "WHERE c.name = 'ACME SAS' AND m.move_type = 'out_invoice' ORDER BY m.id LIMIT 1")[0][0]
    page = downloaded(manager, invoice)
    assert not paper.misses(page, [
        *SELLER, *BETWEEN_PROFESSIONALS, "ACME SAS", "SIREN 303 265 045", "FR40303265045",
        "Pack 20 crédits"])


def test_insaho_3_cancel_gives_the_credits_back(house):
    """A booking cancelled before the deadline returns its credits and its seat, once."""
    bob = house.customer(credits=3)
    session_id = house.session(capacity=1, price=3)
    booked = bob.book(session_id)
    registration = booked.url.split("/my/trainings/")[1].split("?")[0]
    page = bob.get(f"/my/trainings/{registration}")
    link = re.search(r'href="([^"]*/lms/go/[^"]*)"', page.text)[1]
    for _twice in range(2):
        bob.post(f"/my/trainings/{registration}/cancel",
                 {"csrf_token": field(page.text, "csrf_token")})
    assert balance(bob.get("/my/credits").text) == "3 crédits"
    assert house.sql(f"SELECT seats_booked FROM event_event WHERE id = {session_id}") == "0"
    assert house.sql(
        f"SELECT COUNT(*) FROM credit_entry WHERE partner_id = {bob.partner_id} "
        "AND kind = 'refund'") == "1"
    refused = bob.http.get(link, timeout=60)
    assert refused.status_code == 403 and "annulée" in refused.text


@pytest.mark.parametrize("path", ["/", "/event", "/shop", "/trainings", "/my", "/my/credits",
                                  "/my/trainings", "/my/invoices", "/web/login", "/en/trainings"])
def test_pages_answer_and_miss_no_asset(house, path):
    """200, and every style sheet, script and image the page names is there."""
    client = Visitor(house, "client@insaho.example", "client")
    page = client.get(path)
    assert page.status_code == 200
    assets = set(re.findall(r'(?:href|src)="(/[^"]+\.(?:css|js|svg|png)[^"]*)"', page.text))
    missing = [asset for asset in assets if client.get(asset).status_code != 200]
    assert not missing
    assert not re.findall(r'(?:src|stylesheet" href)="https?://(?!127)[^"]+', page.text)


# Bad input: each a clear French message, nothing written -------------------------------------


def ledger_size(house):
    return house.sql("SELECT (SELECT COUNT(*) FROM credit_entry) || '/' || "
                     "(SELECT COUNT(*) FROM event_registration)")


def test_bad_input_session_full(house):
    session_id = house.session(capacity=1, price=1)
    house.customer(credits=1).book(session_id)
    late = house.customer(credits=1)
    before = ledger_size(house)
    answer = late.book(session_id, {"csrf_token": late.csrf(), "token": "t" * 32, "price": "1"})
    assert answer.status_code == 409 and "complète" in alert(answer.text)
    assert ledger_size(house) == before


def test_bad_input_session_in_the_past(house):
    session_id = house.session(days=-1, price=1)
    late = house.customer(credits=1)
    page = late.get(f"/trainings/{session_id}")
    assert "déjà commencé" in alert(page.text) and "o_booking_form" not in page.text
    before = ledger_size(house)
    answer = late.book(session_id, {"csrf_token": late.csrf(), "token": "t" * 32, "price": "1"})
    assert answer.status_code == 409 and "déjà commencé" in alert(answer.text)
    assert ledger_size(house) == before


def test_bad_input_session_without_price(house):
    """An event that is no training has no price in credits: it cannot be booked with them."""
    with house.env() as env:
        event_id = env["event.event"].create({
            "name": "Portes ouvertes", "date_begin": "2030-01-01 09:00:00",
            "date_end": "2030-01-01 10:00:00", "is_published": True}).id
    client = house.customer(credits=5)
    before = ledger_size(house)
    answer = client.book(event_id, {"csrf_token": client.csrf(), "token": "t" * 32, "price": "0"})
    assert answer.status_code == 409 and "crédits" in alert(answer.text)
    assert ledger_size(house) == before


def test_bad_input_anonymous_visitor(house):
    session_id = house.session(price=1)
    stranger = Visitor(house)
    page = stranger.get(f"/trainings/{session_id}")
    assert "Connectez-vous" in page.text and "o_booking_form" not in page.text
    before = ledger_size(house)
    answer = stranger.book(
        session_id, {"csrf_token": stranger.csrf(), "token": "t" * 32, "price": "1"})
    assert answer.status_code == 401 and "Connectez-vous" in alert(answer.text)
    assert ledger_size(house) == before


def test_bad_input_not_enough_credits_posted_all_the_same(house):
    poor = house.customer(credits=1)
    session_id = house.session(price=2)
    before = ledger_size(house)
    answer = poor.book(session_id, {"csrf_token": poor.csrf(), "token": "t" * 32, "price": "2"})
    assert answer.status_code == 402 and "insuffisants" in alert(answer.text)
    assert ledger_size(house) == before


def test_bad_input_price_changed_meanwhile(house):
    client = house.customer(credits=9)
    session_id = house.session(price=2)
    form = client.booking_form(session_id)
    with house.env() as env:
        env["event.event"].browse(session_id).credit_price = 5
    before = ledger_size(house)
    answer = client.book(session_id, form)
    assert answer.status_code == 409 and "prix" in alert(answer.text)
    assert ledger_size(house) == before


def test_bad_input_odoos_own_registration_route(house):
    """A booking posted straight to Odoo's public route, without credits."""
    session_id = house.session(price=1)
    stranger = Visitor(house)
    before = ledger_size(house)
    answer = stranger.post(f"/event/{session_id}/registration/confirm", {
        "csrf_token": stranger.csrf(), "1-name-0": "Ruse", "1-email-0": "ruse@example.com",
        "1-event_ticket_id": "0", "nb_register-0": "1"})
    assert "/trainings/" in answer.url and "avec des crédits" in alert(answer.text)
    assert ledger_size(house) == before


@pytest.mark.parametrize("change", [
    lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
    lambda token: "1" + token,
    lambda token: token.split("-")[0] + "-0000000000000000-" + token.split("-")[2],
    lambda token: "x",
    lambda token: "-",
    lambda token: "é--",
])
def test_bad_input_forged_lms_token(house, change):
    client = Visitor(house, "client@insaho.example", "client")
    session_id = house.session(price=1)
    if house.sql("SELECT COUNT(*) FROM credit_entry WHERE kind = 'adjustment' AND reason = 'Jeton'"
                 ) == "0":
        with house.env() as env:
            partner = env["res.users"].search([("login", "=", client.login)]).partner_id
            env["credit.wallet"]._of(partner, env.company)._grant(
                10, 0.0, "test:token", kind="adjustment", reason="Jeton")
    booked = client.book(session_id)
    token = re.search(r'/lms/go/([^"]+)"', client.get(booked.url.split(house.url)[1]).text)[1]
    visits = len(house.lms.visits)
    answer = client.http.get(f"{house.url}/lms/go/{change(token)}", timeout=60)
    assert answer.status_code == 404 and "n’est pas valide" in answer.text
    assert len(house.lms.visits) == visits


def test_another_customer_gets_404(house):
    """A customer never sees another one's booking, wallet or invoice."""
    owner, other = house.customer(credits=1), house.customer(credits=1)
    booked = owner.book(house.session(price=1))
    path = booked.url.split(house.url)[1].split("?")[0]
    assert owner.get(path).status_code == 200
    assert other.get(path).status_code == 404
    assert other.post(f"{path}/cancel", {"csrf_token": other.csrf()}).status_code == 404
    invoice = house.sql(
        "SELECT m.id FROM account_move m JOIN credit_entry e ON e.id = m.credit_entry_id "
        f"WHERE e.partner_id = {owner.partner_id}")
    answer = other.get(f"/my/invoices/{invoice}", allow_redirects=False)
    assert answer.status_code in (303, 403, 404)
    origin = house.sql(
        f"SELECT origin FROM credit_entry WHERE partner_id = {owner.partner_id} "
        "AND kind = 'booking'")
    assert origin.split(",")[0] not in other.get("/my/credits").text
