"""Calendar → booking → cancellation → waiting list in Chromium, on a phone and on a desktop.

axe-core looks at each page on the way: no serious or critical fault of accessibility.
"""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from sandbox.mail import html_of

ADDONS = ("session_booking",)
pytestmark = pytest.mark.usefixtures("quiet_servers")
SCREENS = {"phone": (390, 844), "desktop": (1280, 900)}
PRICE = 2


@pytest.fixture(params=SCREENS)
def screen(request, browser, house):
    """Open a page of the given size, and note the faults it meets."""
    width, height = SCREENS[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="fr-FR", base_url=house.url,
        has_touch=request.param == "phone")
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("response", lambda answer: page.faults.append(f"{answer.status} {answer.url}")
            if answer.status >= 500 else None)
    yield page
    context.close()


def sign_in(page, visitor):
    """Set the cookie of the visitor's session, as after the login form."""
    page.context.add_cookies([{
        "name": "session_id", "value": visitor.http.cookies.get("session_id"),
        "url": visitor.house.url}])


def look(page):
    """Check that accessibility has no serious fault, and that nothing is wider than the screen."""
    results = Axe().run(page, options={"resultTypes": ["violations"]})
    serious = [
        f"{fault['id']} ({fault['impact']}): {fault['nodes'][0]['html'][:200]} "
        f"{fault['nodes'][0].get('failureSummary', '')[:300]}"
        for fault in results.response["violations"]
        if fault["impact"] in ("serious", "critical")]
    assert not serious, f"{page.url}\n" + "\n".join(serious)
    wide = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px wider than the screen"


def name_of(house, session_id):
    return house.rows(f"SELECT name->>'fr_FR' FROM event_event WHERE id = {session_id}")[0][0]


def open_from_calendar(page, name):
    """Open it by the keyboard's means only: focus a link, and press Enter."""
    page.goto("/trainings?view=list")
    for _page in range(3):
        links = page.get_by_role("link", name=re.compile(name))
        if links.count():
            break
        page.get_by_role("link", name="Next").or_(page.locator(
            ".page-item:not(.disabled) .page-link").last).first.click()
    links.first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_calendar_views_and_filters(screen, house):
    screen.goto("/trainings")
    look(screen)
    for view in ("Semaine", "Liste", "Mois"):
        screen.get_by_role("navigation", name="Vue").get_by_role("link", name=view).click()
        expect(screen.locator("nav[aria-label=Vue] [aria-current=page]")).to_have_text(view)
        look(screen)
    screen.get_by_role("link", name="Mois suivant").click()
    screen.locator("summary", has_text="Filtres").click()
    screen.get_by_label("Thème").select_option(label="Management")
    screen.get_by_label("Places libres").check()
    screen.get_by_role("button", name="Filtrer").click()
    sessions = screen.locator(".o_training_list, .o_training_grid").locator("a:visible")
    expect(sessions.first).to_be_visible()
    for text in sessions.all_inner_texts():
        assert re.search("anager", text), text
    expect(screen.get_by_label("Thème")).to_have_value(re.compile(r"\d+"))
    look(screen)
    screen.get_by_role("link", name="Effacer les filtres").click()
    assert not screen.faults


def test_booking_cancellation_and_waiting_list(screen, house):
    owner, waiter = house.customers(2, credits=PRICE)
    session_id = house.session(capacity=1, price=PRICE, days=3)
    name = name_of(house, session_id)

    # A visitor sees the seat left; signed in, the price and the balance before and after.
    open_from_calendar(screen, name)
    expect(screen.locator(".o_training_facts")).to_contain_text("1 place")
    look(screen)
    sign_in(screen, owner)
    screen.reload()
    expect(screen.locator(".o_booking_card")).to_contain_text("0 crédit")
    look(screen)
    screen.get_by_role("button", name="Réserver pour 2 crédits").dblclick()
    expect(screen.locator(".o_booking_confirmed")).to_be_visible()
    look(screen)
    booking = screen.url

    # Another customer finds it full and joins the line.
    sign_in(screen, waiter)
    open_from_calendar(screen, name)
    expect(screen.locator(".o_booking_unavailable")).to_contain_text("complète")
    look(screen)
    screen.get_by_role("button", name="Rejoindre la liste d’attente").click()
    expect(screen.locator(".o_waiting_position")).to_contain_text("numéro 1")
    look(screen)
    screen.goto("/my/trainings")
    expect(screen.locator(".o_waiting_list")).to_contain_text(name)
    look(screen)

    # The owner cancels from the portal; the credits are back.
    sign_in(screen, owner)
    screen.goto(booking)
    screen.get_by_role("button", name="Annuler ma réservation").first.click()
    expect(screen.locator(".modal.show")).to_be_visible()
    screen.locator(".modal.show button[type=submit]").click()
    expect(screen.locator("#wrapwrap")).to_contain_text("Annulé")
    screen.goto("/my/credits")
    expect(screen.locator(".o_credit_balance").first).to_have_text("2 crédits")
    look(screen)

    # The mail to the next in line: its page, and one click on it.
    mail = html_of(house.mailbox.wait_for_mail(waiter.login, "place se libère"))
    sign_in(screen, waiter)
    screen.goto(re.search(r'href="[^"]*(/trainings/waiting/[^"]+)"', mail)[1])
    expect(screen.locator(".o_waiting_offer")).to_contain_text("2 crédits")
    look(screen)
    screen.get_by_role("button", name="Accepter pour 2 crédits").dblclick()
    expect(screen.locator(".o_waiting_seated")).to_be_visible()
    screen.get_by_role("link", name="Voir la réservation").click()
    expect(screen.locator(".o_training_facts")).to_contain_text("Client")
    look(screen)
    assert not screen.faults


def test_swap_and_several_sessions(screen, house):
    [visitor] = house.customers(1, credits=3 * PRICE)
    with house.env() as env:
        training = env["event.type"].search([("is_training", "=", True)], limit=1)
        copy = training.copy({"name": "Atelier en série", "credit_price": PRICE})
        training_id = copy.id
    for days in (40, 41, 42):
        house.session(price=PRICE, days=days, event_type_id=training_id)
    sign_in(screen, visitor)
    screen.goto(f"/trainings/training/{training_id}")
    look(screen)
    boxes = screen.get_by_role("checkbox")
    expect(boxes).to_have_count(3)
    boxes.nth(0).check()
    boxes.nth(1).check()
    screen.get_by_role("button", name="Réserver les sessions cochées").click()
    expect(screen.locator(".o_basket_price")).to_have_text("4 crédits")
    look(screen)
    screen.get_by_role("button", name="Tout réserver pour 4 crédits").dblclick()
    expect(screen.locator(".o_booking_confirmed")).to_be_visible()
    look(screen)
    screen.get_by_role("link", name=re.compile("Détails")).first.click()
    screen.get_by_role("button", name="Changer pour cette session").dblclick()
    expect(screen.locator(".o_training_facts")).to_contain_text("À la place de")
    screen.goto("/my/credits")
    expect(screen.locator(".o_credit_balance").first).to_have_text("2 crédits")
    assert not screen.faults
