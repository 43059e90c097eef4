"""The seven cases of ``agency-subscriptions.fr.txt`` in Chromium: customer and agency click.

And, of issue 8, the customer whose application stops at the limit.
"""

import re
import time
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from sandbox.mail import html_of
from tests.quota_house import make_key, make_plans, subscribe_all
from tests.test_quota_api import call, sample, wait_until

ADDONS = ("subscription_quota",)
pytestmark = pytest.mark.usefixtures("quiet_servers")
DEMO_CARD = "4111 1111 1111 1111"


@pytest.fixture
def agency(page):
    """Open the back office, in French."""
    page.goto("/web/login")
    form = page.locator(".oe_login_form")
    form.locator("input[name=login]").fill("admin")
    form.locator("input[name=password]").fill("admin")
    form.locator("button[type=submit]").click()
    page.wait_for_url("**/odoo**")
    return page


@pytest.fixture
def portal(browser, house):
    """Open the customer's own browser: `portal(visitor)` gives a page that is signed in."""
    contexts = []

    def opened(visitor):
        contexts.append(browser.new_context(
            viewport={"width": 390, "height": 844}, locale="fr-FR", base_url=house.url))
        contexts[-1].add_cookies([{
            "name": "session_id", "value": visitor.http.cookies["session_id"],
            "url": house.url}])
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def visitor(house):
    """Make a customer of the agency."""
    return house.customers(1)[0]


def make_plan(house, name, amount, *prices, **vals):
    """Make a service of the agency, sold by the week or at these (unit, amount).

    :return: its id
    """
    with house.env() as env:
        return env["subscription.plan"].create({
            "name": name, "taxes_id": [(5,)], "is_published": True,
            "price_ids": [(0, 0, {"interval_unit": unit, "amount": price})
                          for unit, price in prices or (("week", amount),)], **vals}).id


def subscribe(house, visitor, plan_id, state=None):
    """Make a subscription begun today and paid; `state`: how the charges of its saved card end.

    :return: its id
    """
    with house.env() as env:
        plan = env["subscription.plan"].browse(plan_id)
        subscription = env["subscription.subscription"].create({
            "partner_id": visitor.partner_id, "plan_id": plan_id,
            "price_id": plan.price_ids[0].id, "user_id": env.ref("base.user_admin").id})
        subscription.action_start()
        env["account.payment.register"].with_context(
            active_model="account.move", active_ids=subscription.period_ids.invoice_id.ids
        ).create({})._create_payments()
        if state:
            provider = env.ref("payment.payment_provider_demo")
            subscription.token_id = env["payment.token"].create({
                "provider_id": provider.id, "provider_ref": "demo", "payment_details": "4242",
                "payment_method_id": provider.payment_method_ids[0].id,
                "partner_id": visitor.partner_id, "demo_simulated_state": state})
        return subscription.id


def pass_days(house, subscription_id, days):
    """Let days go by: what began on a day began so many days before, in whole weeks."""
    with house.env() as env:
        days = timedelta(days=days)
        env.cr.execute(
            "UPDATE subscription_subscription SET anchor_date = anchor_date - %(days)s, "
            "next_date = next_date - %(days)s, next_run_at = next_run_at - %(days)s "
            "WHERE id = %(id)s", {"days": days, "id": subscription_id})
        # The oldest first: periods never overlap, not even while one of them moves.
        for period in env["subscription.period"].search(
                [("subscription_id", "=", subscription_id)], order="date_start"):
            env.cr.execute(
                "UPDATE subscription_period SET date_start = date_start - %(days)s, "
                "date_end = date_end - %(days)s, full_start = full_start - %(days)s, "
                "full_end = full_end - %(days)s WHERE id = %(id)s",
                {"days": days, "id": period.id})


def days_to_renewal(house, subscription_id):
    return house.rows(
        "SELECT next_date - CURRENT_DATE FROM subscription_subscription "
        f"WHERE id = {subscription_id}")[0][0]


def run(house, *names):
    """Wake the scheduled actions, as their hour does."""
    with house.env() as env:
        for name in names:
            env.ref(f"subscription_billing.ir_cron_{name}")._trigger()


def open_subscription(agency, subscription_id):
    agency.goto(f"/odoo/action-subscription_billing.subscription_action/{subscription_id}")
    expect(agency.locator(".o_form_view")).to_be_visible()


def expect_state(agency, state):
    expect(agency.locator(".o_statusbar_status .o_arrow_button_current")).to_have_text(state)


def expect_activity(agency, summary):
    expect(agency.locator(".o-mail-Activity", has_text=summary)).to_have_count(1)


def pay_by_card(page):
    page.locator("input[name=customer_input]").fill(DEMO_CARD)
    page.locator("button[name=o_payment_submit_button]:visible").click()


def test_case_1_self_service_with_automatic_payment(portal, house, visitor):
    """« Le client souscrit à un service récurrent (achat en libre-service) »."""
    plan_id = make_plan(house, "Réseaux sociaux", 199.0)
    page = portal(visitor)
    page.goto("/subscriptions")
    page.locator(".o_plan", has_text="Réseaux sociaux").get_by_role(
        "button", name="S’abonner").click()
    page.locator("a[name=website_sale_main_button]:visible").click()
    page.wait_for_url(re.compile("/shop/(checkout|payment)"))
    page.goto("/shop/payment")
    expect(page.locator(".o_subscription_saved")).to_contain_text("renouvellement")
    pay_by_card(page)
    page.wait_for_url("**/shop/confirmation", timeout=90_000)
    [(subscription_id, name)] = house.rows(
        f"SELECT id, name FROM subscription_subscription WHERE plan_id = {plan_id}")
    page.goto("/my/subscriptions")
    page.get_by_role("link", name=re.compile(name)).click()
    expect(page.locator(".o_subscription_state")).to_have_text("Actif")
    expect(page.locator(".o_subscription_period")).to_contain_text("Payé")
    house.mailbox.wait_for_mail(visitor.login, "Paiement reçu")

    # « Avant le renouvellement, un e-mail de rappel », then the payment by itself.
    pass_days(house, subscription_id, days_to_renewal(house, subscription_id) - 5)
    run(house, "notices")
    house.mailbox.wait_for_mail(visitor.login, f"{name} se renouvelle bientôt")
    pass_days(house, subscription_id, 5)
    run(house, "renew")
    house.mailbox.wait_for_mail(visitor.login, "Paiement reçu", number=2)
    page.reload()
    expect(page.locator(".o_subscription_period")).to_have_count(2)
    expect(page.locator(".o_subscription_period .badge", has_text="Payé")).to_have_count(2)


def test_case_2_manual_order_with_bank_transfer(agency, house, visitor):
    """« Commande d’abonnement manuelle avec paiement hors ligne »."""
    make_plan(house, "Maintenance du site", 149.0)
    agency.goto("/odoo/action-subscription_billing.subscription_action")
    agency.get_by_role("button", name="Nouveau").first.click()
    for field, text in (("partner_id", visitor.login), ("plan_id", "Maintenance du site")):
        agency.locator(f".o_field_widget[name={field}] input").fill(text)
        agency.locator(".o-autocomplete--dropdown-item:not(:has(.o_loading))").first.click()
    agency.get_by_role("button", name="Démarrer l’abonnement").click()
    expect_state(agency, "Actif")
    # « Une facture est générée et envoyée au client »
    house.mailbox.wait_for_mail(visitor.login, "Facture")
    agency.get_by_role("button", name="Factures").click()
    agency.locator(".o_data_cell[name=name]").click()
    agency.get_by_role("button", name="Payer").first.click()
    agency.locator(".modal").get_by_role("button", name="Créer un paiement").click()
    expect(agency.locator(".modal")).to_have_count(0)
    # « Un e-mail de confirmation de paiement », the next invoice planned, the agency told.
    house.mailbox.wait_for_mail(visitor.login, "Paiement reçu")
    agency.locator(".o_breadcrumb a", has_text="SUB").click()
    expect_activity(agency, "Suivre la prochaine facture")


def test_case_3_failed_payment_then_paid(agency, portal, house, visitor):
    """« Échec de paiement & poursuite de l’abonnement »."""
    subscription_id = subscribe(house, visitor, make_plan(house, "SEO", 299.0), "error")
    pass_days(house, subscription_id, days_to_renewal(house, subscription_id))
    run(house, "renew")
    mail = html_of(house.mailbox.wait_for_mail(visitor.login, "Paiement refusé"))
    open_subscription(agency, subscription_id)
    expect_state(agency, "Impayé")
    expect_activity(agency, "Paiement refusé")
    # « Relancer manuellement le paiement »: the card is still refused.
    agency.get_by_role("button", name="Relancer le paiement").click()
    house.mailbox.wait_for_mail(visitor.login, "Paiement refusé", number=2)
    # « Ou demander au client de mettre à jour »: the button of the mail, another card.
    page = portal(visitor)
    page.goto(re.search(r'href="[^"]*(/my/invoices/[^"]*)"', mail)[1].replace("&amp;", "&"))
    page.locator("[data-bs-target='#pay_with']:visible").first.click()
    page.locator("#pay_with button[name=o_payment_expand_button]").click()
    page.locator("#pay_with .o_payment_option_label", has_text="Démo").last.click()
    pay_by_card(page)
    house.mailbox.wait_for_mail(visitor.login, "Paiement reçu", number=2)
    open_subscription(agency, subscription_id)
    expect_state(agency, "Actif")
    expect(agency.locator(".o-mail-Activity", has_text="Paiement refusé")).to_have_count(0)
    expect(agency.locator(
        ".o-mail-Message", has_text="Plus rien n’est impayé")).not_to_have_count(0)


def test_new_card_pays_all_that_is_due_in_one_step(portal, house, visitor):
    """« Demander au client de mettre à jour »: one button of « Mon compte », and all is well."""
    subscription_id = subscribe(house, visitor, make_plan(house, "Conseil", 90.0), "error")
    pass_days(house, subscription_id, days_to_renewal(house, subscription_id))
    run(house, "renew")
    house.mailbox.wait_for_mail(visitor.login, "Paiement refusé")
    page = portal(visitor)
    page.goto(f"/my/subscriptions/{subscription_id}")
    page.get_by_role("link", name=re.compile("Mettre à jour ma carte et payer.*90,00")).click()
    expect(page.locator(".o_subscription_due")).to_contain_text("90,00")
    pay_by_card(page)
    page.wait_for_url(f"**/my/subscriptions/{subscription_id}", timeout=90_000)
    expect(page.locator(".o_subscription_state")).to_have_text("Actif")
    expect(page.locator("select[name=token] option:checked")).to_have_text(re.compile("1111"))
    expect(page.locator(".o_subscription_pay")).to_have_count(0)
    house.mailbox.wait_for_mail(visitor.login, "Paiement reçu", number=2)


def test_case_4_billing_cycle_changed_for_the_future(agency, house, visitor):
    """« Le client demande un changement de cycle de facturation »."""
    subscription_id = subscribe(house, visitor, make_plan(
        house, "Design", 0, ("week", 100.0), ("month", 390.0)))
    open_subscription(agency, subscription_id)
    agency.get_by_role("button", name="Modifier").click()
    wizard = agency.locator(".modal")
    wizard.locator(".o_field_widget[name=price_id] input").click()
    agency.locator(".o-autocomplete--dropdown-item", has_text="mois").first.click()
    expect(wizard.locator(".o_field_widget[name=next_total]")).to_contain_text("390,00")
    expect(wizard.locator(".o_field_widget[name=due]")).to_contain_text("0,00")
    wizard.get_by_role("button", name="Confirmer le changement").click()
    expect(wizard).to_have_count(0)
    expect(agency.locator(".o_field_widget[name=planned_change_id]")).to_be_visible()
    mail = html_of(house.mailbox.wait_for_mail(visitor.login, " change"))
    assert "390,00" in mail
    assert house.rows(
        "SELECT COUNT(*) FROM subscription_period WHERE state <> 'void' "
        f"AND subscription_id = {subscription_id}") == [(1,)]


@pytest.mark.parametrize(
    ("answer", "state", "subject"),
    [("Non : garder la commande", "Actif", "est annulé"),
     ("Oui : annuler la commande", "Résilié", "est résilié")],
    ids=["case_5_keeps_the_order", "case_6_with_the_order"])
def test_cancellation(agency, house, visitor, answer, state, subject):
    """« Annulation de l’abonnement », sans ou avec annulation de la commande."""
    subscription_id = subscribe(house, visitor, make_plan(house, f"Publicité {state}", 500.0))
    open_subscription(agency, subscription_id)
    agency.get_by_role("button", name="Annuler l’abonnement").click()
    wizard = agency.locator(".modal")
    wizard.get_by_text(answer).click()
    wizard.get_by_role("button", name="Annuler l’abonnement").click()
    if state == "Résilié":  # what is left of the period comes back, one way or another
        wizard.get_by_role("button", name="Laisser en sa faveur").click()
    expect(wizard).to_have_count(0)
    expect_state(agency, state)
    expect(agency.locator(".o_field_widget[name=end_date]").first).not_to_be_empty()
    house.mailbox.wait_for_mail(visitor.login, subject)


def test_case_7_service_with_subscriptions_cannot_be_deleted(agency, house, visitor):
    """« Impossibilité de supprimer un service avec abonnements actifs »."""
    plan_id = make_plan(house, "Création de logo", 99.0)
    subscription_id = subscribe(house, visitor, plan_id)
    agency.goto(f"/odoo/action-subscription_billing.subscription_plan_action/{plan_id}")
    agency.locator(".o_cp_action_menus button").click()
    agency.get_by_role("menuitem", name="Supprimer").click()
    agency.locator(".modal").get_by_role("button", name="Supprimer").click()
    error = agency.locator(".modal", has_text="Vous ne pouvez pas supprimer un service avec des "
                           "abonnements actifs. Veuillez d’abord annuler tous les abonnements.")
    [(name,)] = house.rows(
        f"SELECT name FROM subscription_subscription WHERE id = {subscription_id}")
    expect(error).to_contain_text(name)




def put_in_cart(page, plan):
    page.goto("/subscriptions")
    page.locator(".o_plan", has_text=plan).get_by_role("button", name="S’abonner").click()
    page.locator("a[name=website_sale_main_button]:visible").click()
    page.wait_for_url(re.compile("/shop/(checkout|payment)"))
    page.goto("/shop/payment")
    expect(page.locator(".o_subscription_terms").first).to_contain_text("jusqu’à résiliation")


def change_plan(page, subscription_id, plan):
    page.goto(f"/my/subscriptions/{subscription_id}")
    form = page.locator("form", has=page.locator("#price"))
    form.locator("#price").select_option(form.locator(
        "option", has_text=plan).get_attribute("value"))
    form.locator("button").click()
    page.get_by_role("button", name="Confirmer").click()
    page.wait_for_url(f"**/my/subscriptions/{subscription_id}")


def test_money_as_a_customer_sees_it(portal, house, visitor):
    """Two purchases in one session, the second declined; an upgrade with a refused card; a
    downgrade with credit left, and the next renewals."""
    with house.env() as env:
        family = env["subscription.family"].create({"name": "Petit et grand"}).id
    small, _large = (make_plan(house, name, price, family_id=family) for name, price in (
        ("Petit suivi", 30.0), ("Grand suivi", 70.0)))
    make_plan(house, "Conseil à part", 20.0)
    page = portal(visitor)
    put_in_cart(page, "Petit suivi")
    pay_by_card(page)
    page.wait_for_url("**/shop/confirmation", timeout=90_000)
    put_in_cart(page, "Conseil à part")
    page.locator("button[name=o_payment_expand_button]").click()
    page.locator(".o_payment_option_label", has_text="Démo").last.click()
    page.locator("#simulated_payment_state").select_option("error")
    pay_by_card(page)
    expect(page.locator(".o_payment_refusal")).to_contain_text("pas encore passée", timeout=90_000)
    [(subscription_id, token_id)] = house.rows(
        f"SELECT id, token_id FROM subscription_subscription WHERE plan_id = {small}")

    # An upgrade: refused, and all is as before; then paid.
    answer_of_card(house, token_id, "error")
    change_plan(page, subscription_id, "Grand suivi")
    expect(page.locator(".alert-danger")).to_contain_text("error")
    expect(page.locator("h1")).to_contain_text("Petit suivi")
    answer_of_card(house, token_id, "done")
    change_plan(page, subscription_id, "Grand suivi")
    expect(page.locator("h1")).to_contain_text("Grand suivi")
    assert charges(house, subscription_id) == [40.0]

    # Down again: 40 in favour, which pay one renewal and a part of the next.
    change_plan(page, subscription_id, "Petit suivi")
    expect(page.locator(".o_subscription_credit")).to_have_text(
        re.compile("40,00.€ en votre faveur, déduits de votre prochaine facture"))
    expect(page.locator(".o_subscription_to_pay")).to_have_text(re.compile("payer : 0,00"))
    for said, charged in ((re.compile("10,00.€ en votre faveur"), [40.0]), (None, [40.0, 20.0])):
        pass_days(house, subscription_id, days_to_renewal(house, subscription_id))
        run(house, "renew")
        wait_until(lambda: days_to_renewal(house, subscription_id) > 0, seconds=60)
        wait_until(
            lambda paid=charged: charges(house, subscription_id) == paid, seconds=60)
        page.goto(f"/my/subscriptions/{subscription_id}")
        credit = page.locator(".o_subscription_credit")
        if said:
            expect(credit).to_have_text(said)
        else:
            expect(credit).to_have_count(0)


def answer_of_card(house, token_id, state):
    """How the charges of a saved card end from now on."""
    with house.env() as env:
        env["payment.token"].browse(token_id).demo_simulated_state = state


def charges(house, subscription_id):
    """What the saved card paid, oldest first."""
    return [float(amount) for [amount] in house.rows(
        "SELECT t.amount FROM payment_transaction t JOIN subscription_period p"
        f" ON p.id = t.subscription_period_id WHERE p.subscription_id = {subscription_id}"
        " AND t.state = 'done' ORDER BY t.id")]


def test_calls_go_on_after_an_upgrade_by_clicking(portal, house, monkeypatch, visitor):
    """« make demo-api »: calls stop at the limit; the customer follows the link of the refusal,
    clicks through the upgrade, and the calls go on."""
    small, _large = make_plans(
        house, ("Petit clic", 10.0, {"scans": 2}), ("Grand clic", 30.0, {"scans": 5}))
    [(reference, _id)] = subscribe_all(house, [visitor], small)
    with sample(monkeypatch, house.url, make_key(house)) as url:
        statuses = [call(url, reference).status_code for _scan in range(3)]
        assert statuses == [200, 200, 429]
        page = portal(visitor)
        page.goto(call(url, reference).json()["upgrade_url"])
        expect(page.locator(".o_quota_banner")).to_contain_text("la limite est atteinte")
        expect(page.locator(".o_quota_used").first).to_have_text(re.compile("2 sur 2 "))
        form = page.locator("form", has=page.locator("#price"))
        form.locator("#price").select_option(form.locator(
            "option", has_text="Grand clic").get_attribute("value"))
        form.locator("button").click()
        expect(page.locator(".o_preview_due")).to_contain_text("20")
        page.get_by_role("button", name="Confirmer").click()
        expect(page.locator(".o_quota_used").first).to_have_text(re.compile("2 sur 5 "))
        time.sleep(1)  # what the middleware remembers is no older
        assert call(url, reference).json()["left"] == 2
