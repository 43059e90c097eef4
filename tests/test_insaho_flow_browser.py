"""docs/spec/insaho-caps.md §3, « Processus utilisateur », in Chromium, clicking like a person."""

import re

import pytest
from playwright.sync_api import expect

from sandbox.mail import html_of

ADDONS = ("invoice_europe_booking", "legal_training", "lms_link")
pytestmark = pytest.mark.usefixtures("quiet_servers")
LOGIN = "chloe.browser@example.com"
PASSWORD = "Cap-sur-2027!"


def sign_up(page, house):
    """Create an account on the site: §3.1 « L'utilisateur crée un compte sur le site »."""
    page.goto("/")
    page.get_by_role("link", name="Se connecter").first.click()
    page.get_by_role("link", name=re.compile("pas de compte|Créer un compte|Inscri", re.I)).click()
    form = page.locator("form.oe_signup_form")
    form.locator("input[name=login]").fill(LOGIN)
    form.locator("button[type=submit]").click()
    expect(page.locator(".alert-success")).to_contain_text("Nous vous envoyons un mail")
    page.goto(house.sign_up_link(LOGIN))
    for field, text in (("name", "Chloé Dupont"), ("password", PASSWORD),
                        ("confirm_password", PASSWORD)):
        form.locator(f"input[name={field}]").fill(text)
    form.locator("button[type=submit]").click()
    expect(page).to_have_url(re.compile("/my"))


def choose_session(page, name):
    """Choose a session in the calendar, with its price in credits: §3.4 and §3.5."""
    page.get_by_role("menuitem", name="Formations").first.click()
    expect(page.get_by_role("heading", name="Calendrier des formations")).to_be_visible()
    if not page.get_by_role("link", name=re.compile(name)).count():
        page.get_by_role("link", name="Mois suivant").click()
    page.get_by_role("link", name=re.compile(name)).first.click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def buy_pack_of_five(page):
    """Go from « crédits insuffisants » to the packs, the cart, and the demo card: §3.2."""
    page.get_by_role("link", name="Acheter des crédits").click()
    page.get_by_role("link", name="Pack 5 crédits").first.click()
    page.locator("#add_to_cart").click()
    expect(page.locator(".my_cart_quantity").first).to_have_text("1")
    page.goto("/shop/cart")
    page.locator("a[name=website_sale_main_button]:visible").click()
    page.locator("input[name=phone]").fill("+33 6 12 34 56 78")
    page.locator("input[name=street]").fill("3 rue Neuve")
    page.locator("input[name=zip]").fill("69002")
    page.locator("input[name=city]").fill("Lyon")
    page.locator("select[name=country_id]").select_option(label="France")
    page.locator("a[name=website_sale_main_button]:visible").click()
    page.wait_for_url("**/shop/payment")
    page.locator("input[name=customer_input]").fill("4111 1111 1111 1111")
    page.locator("button[name=o_payment_submit_button]:visible").click()
    page.wait_for_url("**/shop/confirmation", timeout=90_000)
    expect(page.locator(".o_credit_confirmation")).to_contain_text("5 crédits")


def test_insaho_3_the_whole_way_by_clicking(page, house):
    failures = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("response", lambda answer: failures.append(f"{answer.status} {answer.url}")
            if answer.status >= 500 else None)
    sign_up(page, house)
    choose_session(page, "Prise de parole en public")
    card = page.locator(".o_booking_card")
    expect(card).to_contain_text("2 crédits")
    expect(card).to_contain_text("0 crédit")
    buy_pack_of_five(page)

    # Back to the booking, which now shows the balance before and after.
    page.get_by_role("link", name="Revenir à ma réservation").click()
    expect(card).to_contain_text("5 crédits")
    expect(card).to_contain_text("3 crédits")
    page.get_by_role("button", name="Réserver pour 2 crédits").dblclick()
    expect(page.locator(".o_booking_confirmed")).to_be_visible()
    booking = page.url
    page.go_back()
    page.reload()
    expect(page.locator(".o_booking_done")).to_contain_text("réservée")

    # §3.7 the mail has date, time, training and the link; the link opens the course.
    mail = html_of(house.mailbox.wait_for_mail(LOGIN, "place est réservée"))
    assert "Prise de parole en public" in mail and "18:00" in mail
    page.goto(re.search(r'href="([^"]*/lms/go/[^"]*)"', mail)[1])
    expect(page.get_by_role("heading", name="Cours : public speaking")).to_be_visible()

    # « Mon compte »: balance, history, bookings, invoices.
    page.goto("/my")
    page.get_by_role("link", name="Mon portefeuille").click()
    expect(page.locator(".o_credit_balance")).to_have_text("3 crédits")
    expect(page.locator("table")).to_contain_text("-2")
    page.goto("/my/invoices")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.goto("/my/trainings")
    expect(page.locator("#wrapwrap")).to_contain_text("Prise de parole en public")
    house.mailbox.wait_for_mail(LOGIN, "Facture")

    # And back: cancelled before the deadline, or told why not.
    page.goto(booking)
    if page.get_by_role("button", name="Annuler ma réservation").count():
        page.get_by_role("button", name="Annuler ma réservation").first.click()
        page.locator(".modal.show button[type=submit]").click()
        expect(page.locator("#wrapwrap")).to_contain_text("Annulé")
        page.goto("/my/credits")
        expect(page.locator(".o_credit_balance")).to_have_text("5 crédits")
    assert not failures
