"""The end of a month as an accountant: the page « Clôture du mois », its files, the locked month,
the FEC, in Chromium, in French, on a desktop and on a phone.
"""

import io
import re
import time
from datetime import timedelta

import openpyxl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.house import Visitor

ADDONS = ("month_closing", "month_closing_credit", "month_closing_stripe")
pytestmark = pytest.mark.usefixtures("quiet_servers")


@pytest.fixture
def accountant(page, house):
    """Sign in as the demo's accountant, and note the faults that the page meets."""
    visitor = Visitor(house, "comptable@insaho.example", "comptable")
    page.context.add_cookies([{
        "name": "session_id", "value": visitor.http.cookies.get("session_id"), "url": house.url}])
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("response", lambda answer: page.faults.append(f"{answer.status} {answer.url}")
            if answer.status >= 400 else None)
    return page


def download(page, click):
    """Click, and return the name and the content of the file that comes, in whatever tab."""
    files = []

    def keep(file):
        files.append(file)

    page.on("download", keep)
    page.context.on("page", lambda tab: tab.on("download", keep))
    click()
    deadline = time.monotonic() + 60
    while not files:
        assert time.monotonic() < deadline, "no file came"
        page.wait_for_timeout(50)
    return files[0].suggested_filename, files[0].path().read_bytes()


def look(page):
    """Check accessibility and width of the page of the month."""
    results = Axe().run(page, context=".o_month_closing", options={"resultTypes": ["violations"]})
    serious = [
        f"{fault['id']}: {fault['nodes'][0]['html'][:200]}"
        for fault in results.response["violations"] if fault["impact"] in ("serious", "critical")]
    assert not serious, "\n".join(serious)
    assert page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_close_a_month(accountant, house):
    page = accountant
    with house.env() as env:
        today = env.company._closing_today()
        before = env.company.read(["fiscalyear_lock_date"])[0]["fiscalyear_lock_date"]
    over = today.replace(day=1) - timedelta(days=1)
    page.goto("/odoo/month-closing")

    # It opens on the last month that is over, with all its parts.
    expect(page.locator(".o_month_closing h1")).to_have_text(
        re.compile(rf"^\w+ {over.year}$", re.I))
    sections = page.locator(".o_month_closing_section")
    expect(page.locator("[data-key=vat] h2")).to_contain_text("TVA")
    for key in ("ca3", "oss", "deferral", "credits", "stripe", "documents", "evidence",
                "security"):
        expect(page.locator(f"[data-key={key}]")).to_have_count(1)
    look(page)
    for width, height in ((390, 844), (1280, 900)):
        page.set_viewport_size({"width": width, "height": height})
        look(page)

    # Files with names that people understand.
    name, content = download(
        page, lambda: page.locator(".o_month_closing header").get_by_role(
            "button", name="Excel").click())
    assert name == f"Clôture – {over:%Y-%m}.xlsx"
    assert "TVA" in openpyxl.load_workbook(io.BytesIO(content)).sheetnames
    name, content = download(page, lambda: page.locator(
        "[data-key=vat]").get_by_role("button", name="PDF").click())
    assert (name, content[:4]) == (f"Clôture – {over:%Y-%m} – TVA.pdf", b"%PDF")

    # The list behind a figure, and back to the same month.
    page.get_by_role("button", name="Mois précédent").click()
    expect(page).to_have_url(re.compile(r"month=\d{4}-\d\d"))
    month = page.locator(".o_month_closing h1").inner_text()
    page.reload()
    expect(page.locator(".o_month_closing h1")).to_have_text(month)
    page.get_by_role("button", name="Mois suivant").click()

    # The dialog says what is open and what changes, before anything is locked.
    page.get_by_role("button", name="Verrouiller le mois").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Ce qui change")
    expect(dialog).to_contain_text("→")
    dialog.get_by_role("button", name="Verrouiller le mois").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".o_month_closing_verdict")).to_contain_text("Ce mois est verrouillé")
    with house.env() as env:
        assert env.company.fiscalyear_lock_date == over

    # FEC of the month.
    page.get_by_role("button", name="FEC").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("FEC")
    name, content = download(page, lambda: dialog.locator(
        "button[name=create_fec_report_action]").click())
    assert re.fullmatch(rf"\d*FEC{over:%Y%m%d}.*\.(csv|txt)", name), name
    assert content.startswith(b"JournalCode") or b"JournalCode" in content[:200]
    assert sections and not page.faults, page.faults
    with house.env() as env:  # other files share the house
        env.company.write({field: before for field in env.company._closing_lock_fields()
                           if field != "hard_lock_date"})
