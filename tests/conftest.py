import pytest
from playwright.sync_api import expect, sync_playwright

from tests.house import House

expect.set_options(timeout=30_000)  # whichever files are run: two servers share the processors


@pytest.fixture(scope="session")
def house(tmp_path_factory, worker_id):
    """Start the demo with two server processes; it is shared, so tests make their own customers.

    One for each process of pytest-xdist.
    """
    made = House(f"caps_test_flows_{worker_id}", tmp_path_factory.mktemp("house"))
    yield made.start()
    made.stop()


@pytest.fixture(scope="module")
def quiet_servers(house):
    """Check that nothing in this file makes a server complain; the races of other files may have.
    """
    before = set(house.errors())
    yield
    errors = [line for line in house.errors() if line not in before]
    assert not errors, "\n".join(errors[:5])


@pytest.fixture
def no_mail(house):
    """Make no invoices and mails that nobody reads, during the test nor after it.

    A race leaves dozens, each with a PDF that takes a second of the processor.
    """
    senders = ("SELECT res_id FROM ir_model_data WHERE model = 'ir.cron' AND name IN "
               "('ir_cron_account_move_send', 'ir_cron_mail_scheduler_action')")
    house.execute(f"UPDATE ir_cron SET active = FALSE WHERE id IN ({senders})")
    yield
    house.execute("UPDATE account_move SET sending_data = NULL WHERE sending_data IS NOT NULL")
    house.execute("DELETE FROM mail_mail WHERE state = 'outgoing'")
    house.execute(f"UPDATE ir_cron SET active = TRUE WHERE id IN ({senders})")


@pytest.fixture(scope="module")
def browser():
    """Start Chromium; stop it after a file, for nothing else can use asyncio while Playwright runs.
    """
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update",
                "--disable-sync"])
        yield chromium
        chromium.close()


def pytest_terminal_summary(terminalreporter):
    """Print the tables that tests made, in whatever process they ran."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "table":
                terminalreporter.section(report.nodeid)
                terminalreporter.write_line(text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Add to the traceback of a failed click what the page showed at that moment."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if page and report.when == "call" and report.failed:
        shown = page.locator("body").inner_text(timeout=5_000)[:2_000]
        report.sections.append(("page", f"{page.url}\n{shown}"))
    return report


@pytest.fixture
def page(browser, house):
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="fr-FR", base_url=house.url)
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()
