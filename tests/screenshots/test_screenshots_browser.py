"""The pictures of the documents, in French, on a desktop and on a phone: `make screenshots` takes
them anew from the demo's data, into ``docs/screenshots``.

A page that answers an error, or shows an error dialog, fails.
"""

import dataclasses
import io

import pytest
from PIL import Image

from ops import paths
from tests.house import Visitor

ADDONS = "all"
FOLDER = paths.ROOT / "docs" / "screenshots"
SIZES = {"": (1280, 900), "-phone": (390, 844)}
COLOURS = 128  # a quarter of the size, and nobody sees the difference
PASSWORDS = {"client@insaho.example": "client", "responsable@acme.example": "responsable",
             "comptable@insaho.example": "comptable", "admin": "admin"}


@dataclasses.dataclass
class Shot:
    """A picture: its file's name, who sees it, where, and what is there once the page is whole.

    :ivar str ready: a selector
    :ivar bool phone: it is taken on a phone, too
    """

    name: str
    login: str | None
    path: str
    ready: str
    phone: bool = True


SHOTS = [
    Shot("calendar", None, "/trainings", "main .card, main table"),
    Shot("booking", "client@insaho.example", "/trainings/{session}", "form [type=submit]"),
    Shot("wallet", "client@insaho.example", "/my/credits", "main .card, main table"),
    Shot("packs", "client@insaho.example", "/shop", ".oe_product"),
    Shot("trainings", "client@insaho.example", "/my/trainings", "main"),
    Shot("plans", None, "/subscriptions", "main .card"),
    Shot("subscription", "client@insaho.example", "/my/subscriptions", "main"),
    Shot("people", "responsable@acme.example", "/my/people", "main"),
    Shot("desk-calendar", "admin", "/odoo/action-session_booking.session_action",
         ".o_calendar_view .fc-view", phone=False),
    Shot("desk-sessions", "admin", "/odoo/action-session_booking.session_list_action",
         ".o_list_view, .o_kanban_view"),
    Shot("unpaid", "admin", "/odoo/action-subscription_billing.dunning_period_action",
         ".o_data_row, .o_kanban_record"),
    Shot("subscriptions", "admin", "/odoo/action-subscription_billing.subscription_action",
         ".o_data_row, .o_kanban_record"),
    Shot("credits", "admin", "/odoo/action-credit_wallet.credit_overview_action",
         ".o_action_manager canvas, .o_action_manager .card"),
    Shot("quota", "admin", "/odoo/action-subscription_quota.quota_status_action",
         ".o_data_row, .o_kanban_record"),
    Shot("stripe-health", "comptable@insaho.example",
         "/odoo/action-subscription_stripe.stripe_health_action", ".o_form_view, .o_data_row",
         phone=False),
    Shot("closing", "comptable@insaho.example", "/odoo/action-month_closing.month_closing_action",
         ".o_month_closing_page h1"),
]


@pytest.fixture(scope="module")
def cookies(house):
    """Sign in each of those who look.

    :return: dict of the login to the cookies of the session
    """
    return {login: [
        {"name": "session_id", "url": house.url,
         "value": Visitor(house, login, password).http.cookies["session_id"]},
    ] for login, password in PASSWORDS.items()}


@pytest.fixture(scope="module")
def session(house):
    """Return a session that can be booked with credits."""
    with house.env() as env:
        today = env.cr.now()
        return env["event.event"].search(
            [("is_training", "=", True), ("is_published", "=", True),
             ("date_begin", ">", today), ("seats_available", ">", 0)],
            order="date_begin", limit=1).id


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_taken(browser, house, cookies, session, shot):
    for suffix, (width, height) in SIZES.items():
        if suffix and not shot.phone:
            continue
        context = browser.new_context(
            locale="fr-FR", timezone_id="Europe/Paris", reduced_motion="reduce",
            viewport={"width": width, "height": height})
        context.add_cookies([
            {"name": "frontend_lang", "value": "fr_FR", "url": house.url},
            {"name": "website_cookies_bar", "value": '{"required": true, "optional": false}',
             "url": house.url}, *cookies.get(shot.login, [])])
        page = context.new_page()
        answer = page.goto(house.url + shot.path.format(session=session), wait_until="load")
        assert answer.ok, answer.status
        page.locator(shot.ready).first.wait_for()
        page.wait_for_load_state("networkidle")
        assert not page.locator(".o_error_dialog, .o_notification.border-danger").count()
        keep(page.screenshot(), f"{shot.name}{suffix}")
        context.close()


def keep(picture, name):
    """Write a picture as a small file."""
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS)
    image.save(FOLDER / f"{name}.png", optimize=True)
