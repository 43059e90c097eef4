"""What a customer does with each addon before it is uninstalled, by the addon's own methods.

One function an addon, called by its name; what it needs of addons below, it makes by itself.
"""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from odoo.tools import mute_logger

from ops.demo_data import buy, pay, subscribe

ADDRESS = {"street": "1 rue Longue", "zip": "69001", "city": "Lyon"}


def civil_today():
    """Return the day where these customers and the company are: UTC's is another one at night."""
    return datetime.now(ZoneInfo("Europe/Paris")).date()


def customer(env, name="Camille", **vals):
    return env["res.partner"].create({
        "name": name, "email": f"{name.lower()}@example.com", "lang": "fr_FR",
        "country_id": env.ref("base.fr").id, "tz": "Europe/Paris", **ADDRESS, **vals})


def product(env, name, price=100.0, **vals):
    """Make a service; what an addon of ours sells is offered in the shop."""
    if "service_tracking" in vals:
        vals["is_published"] = True
    return env["product.template"].create({
        "name": name, "type": "service", "invoice_policy": "order", "list_price": price, **vals})


def invoice(env, partner, **line):
    """Make a posted invoice of 100.00 and taxes."""
    move = env["account.move"].create({
        "move_type": "out_invoice", "partner_id": partner.id, "invoice_date": civil_today(),
        "invoice_line_ids": [(0, 0, {
            "product_id": product(env, "Advice").product_variant_id.id, "quantity": 1,
            "price_unit": 100.0, **line})]})
    move.action_post()
    return move


def credit_note(env, move, **values):
    reversal = env["account.move.reversal"].with_context(
        active_model="account.move", active_ids=move.ids).create(
            {"journal_id": move.journal_id.id, **values})
    note = env["account.move"].browse(reversal.refund_moves()["res_id"])
    note.action_post()
    return note


def concurrency_base(env):
    """Pay an order by card on a page: its mail comes after its effect."""
    provider = env.ref("payment.payment_provider_demo")
    provider.write({"state": "test", "journal_id": env["account.journal"].search(
        [("type", "=", "bank")], limit=1).id})
    order = env["sale.order"].create({
        "partner_id": customer(env).id,
        "order_line": [(0, 0, {"product_id": product(env, "Advice").product_variant_id.id})]})
    transaction = env["payment.transaction"].create({
        "provider_id": provider.id, "payment_method_id": env.ref(
            "payment.payment_method_card").id, "reference": order.name,
        "amount": order.amount_total, "currency_id": order.currency_id.id,
        "partner_id": order.partner_id.id, "operation": "online_direct",
        "sale_order_ids": [(6, 0, order.ids)]})
    transaction._set_done()
    transaction._post_process()
    assert order.state == "sale"


def auth_limit(env):
    """Ask for two accounts, one of which there is, and count attempts."""
    requests = env["auth.limit.request"]
    for email in ("nobody@example.com", env.ref("base.user_admin").login):
        requests._ask("signup", email)
        requests._ask("reset", email)
    counter = env["auth.limit.counter"]
    assert counter._spend("login", counter._doors("login", "nobody@example.com", "::1")) == 0
    env["ir.config_parameter"].set_param("auth_limit.mail_ip", "70")


def company_role(env):
    """A company's first buyer manages it, and gives a colleague a role."""
    company = customer(env, "ACME", is_company=True)
    boss, colleague = (customer(env, name, parent_id=company.id) for name in ("Boss", "Colleague"))
    env["sale.order"].create({"partner_id": boss.id, "order_line": [(0, 0, {
        "product_id": product(env, "Advice").product_variant_id.id})]}).action_confirm()
    company._set_roles(colleague, ["is_billing"])
    assert boss._may("manage", company) and colleague._may("bill", company)


def service_product(env):
    """Make a service, and put one right that was made as goods."""
    advice = product(env, "Coaching")
    assert not advice.service_problems
    assert advice._get_product_accounts()["income"].code.startswith("706")
    wrong = product(env, "Goods once", taxes_id=[(6, 0, env.company.account_sale_tax_id.ids)])
    assert wrong.service_problems
    wrong.action_repair_service()
    assert not wrong.service_problems


def discounted_order(env):
    """Make an order of 100.00 and 50.00, to be discounted."""
    return env["sale.order"].create({
        "partner_id": customer(env).id, "order_line": [(0, 0, {
            "product_id": product(env, name, price).product_variant_id.id, "price_unit": price,
            "tax_ids": [(5,)]}) for name, price in (("Advice", 100.0), ("Report", 50.0))]})


def sale_paid_value(env):
    """Discount an order as a whole: its lines bear the discount."""
    order = discounted_order(env)
    env["sale.order.discount"].create({
        "sale_order_id": order.id, "discount_type": "so_discount",
        "discount_percentage": 0.2}).action_apply_discount()
    assert sorted(order.order_line._paid_values().values()) == [0.0, 40.0, 80.0]


def sale_paid_value_loyalty(env):
    """Lower an order by a promotion: its lines bear it."""
    program = env["loyalty.program"].create({
        "name": "Promotion", "program_type": "promotion", "trigger": "auto",
        "applies_on": "current", "rule_ids": [(0, 0, {})], "reward_ids": [(0, 0, {
            "reward_type": "discount", "discount_mode": "percent", "discount": 20,
            "required_points": 1, "discount_applicability": "order"})]})
    order = discounted_order(env)
    order._update_programs_and_rewards()
    card = next(card for card, rewards in order._get_claimable_rewards().items()
                if program.reward_ids & rewards)
    order._apply_program_reward(program.reward_ids, card)
    assert sorted(order.order_line._paid_values().values()) == [0.0, 40.0, 80.0]
    program.active = False


def credit_wallet(env):
    """Sell packs, take one back after use; spend, add and expire credits."""
    company = env.company
    company.credit_tz = "Europe/Paris"
    pack = product(env, "Pack of 10", credit_count=10, service_tracking="credit_pack",
                   credit_validity_months=6)
    owner, other = customer(env, "Camille"), customer(env, "Nadia")
    training = product(env, "Training").product_variant_id
    for partner in (owner, other):
        buy(env, partner, pack)
    wallet, emptied = (env["credit.wallet"]._of(each, company) for each in (owner, other))
    wallet._spend(4, "use:booking")._create_consumption_invoice(training, "Training", owner)
    emptied._spend(9, "use:all")._create_consumption_invoice(training, "Training", other)
    credit_note(env, emptied.entry_ids.invoice_line_id.move_id, credit_scope="all")
    soon = civil_today() + timedelta(days=3)
    wallet._grant(5, 0.0, "use:gift", kind="adjustment", reason="Gift", expiry_date=soon)
    env["credit.lot.notice"]._cron_notify()
    env["credit.wallet"]._cron_expire()
    assert env["credit.debt"].search_count([])


def session_booking(env):
    """Plan, book, cancel and wait for a training."""
    training = env["event.type"].create({
        "name": "Public speaking", "is_training": True, "credit_price": 2,
        "has_seats_limitation": True, "seats_max": 1, "cancel_hours": 48,
        "default_timezone": "Europe/Paris"})
    begin = datetime.now().replace(microsecond=0) + timedelta(days=2)
    sessions = env["event.event"].create([{
        "name": "Public speaking", "event_type_id": training.id,
        "date_begin": begin + timedelta(days=days),
        "date_end": begin + timedelta(days=days, hours=2), "is_published": True}
        for days in (0, 9)])
    first, second = customer(env, "Hugo"), customer(env, "Emma")
    wallets = env["credit.wallet"]
    for partner in (first, second):
        wallets._of(partner, env.company)._grant(
            10, 0.0, f"use:{partner.id}", kind="adjustment", reason="Gift")
    for session in sessions:
        session._book(wallets._of(first, env.company), first, f"use:{session.id}")
    env["session.waiting"]._join(sessions[0], second)
    sessions[1].registration_ids._cancel_by_customer()
    env["session.reminder"]._cron_send()
    sessions[0].write({"min_attendees": 1 + sessions[0].seats_booked, "decision_days": 365})
    sessions[0]._remind_to_decide()
    env["session.attendance"]._open(sessions[0])
    assert sessions[0].seats_booked == 1


def lms_link(env):
    """Follow the personal links of attendees."""
    env.company.lms_allowed_hosts = "lms.example.com"
    registration = env["event.registration"].search([("credit_entry_id", "!=", False)], limit=1)
    registration.event_id.lms_url = "https://lms.example.com/course"
    token = registration._get_join_url().rpartition("/")[2]
    assert env["event.registration"]._lms_from_token(token) == registration


def subscription_billing(env):
    """Sell plans, renew, change, pay late, write off and cancel them."""
    family = env["subscription.family"].create({"name": "Platform"})
    starter, pro = (plan(env, name, amount, family_id=family.id)
                    for name, amount in (("Starter", 20.0), ("Pro", 50.0)))
    start = civil_today() - timedelta(days=70)
    paying, late, changing = (
        subscribe(env, customer(env, name), starter, start) for name in ("Lea", "Marc", "Aicha"))
    env["subscription.run"]._cron_renew()
    pay(env, (paying + changing).period_ids.invoice_id)
    env["subscription.period"]._cron_past_due()
    env["subscription.period"]._cron_dun()
    late.period_ids[:1]._write_off(
        env.company._subscription_loss_account(), civil_today(), end=True)
    changing._change(pro.price_ids)
    starter.price_ids._announce(25.0, civil_today() + timedelta(days=60))
    env["subscription.notice"]._cron_notify()
    paying._cancel()
    assert changing.plan_id == pro and late.state == "ended"


def plan(env, name, amount, unit="month", **vals):
    return env["subscription.plan"].create({
        "name": name, "list_price": amount, "is_published": True,
        "price_ids": [(0, 0, {"interval_unit": unit, "amount": amount})], **vals})


def subscription_quota(env):
    """Use units within and beyond the limit, buy and give them, and ask for them with a key."""
    metric = env["quota.metric"].create({"name": "Scans", "code": "scans", "unit": "scans"})
    starter = plan(env, "Starter with scans", 20.0)
    starter.quota_limit_ids = [(0, 0, {
        "metric_id": metric.id, "limit_value": 100, "mode": "soft", "overage_price": 0.5})]
    subscription = subscribe(env, customer(env, "Scanner"), starter, civil_today())
    subscription._quota_consume("scans", 90, key="use")
    env["quota.alert"]._cron_alert()
    subscription._quota_consume("scans", 30)
    pack = product(env, "50 more", 10.0, service_tracking="quota_pack", quota_units=50,
                   quota_metric_id=metric.id)
    order = env["sale.order"].create({
        "partner_id": subscription.partner_id.id, "order_line": [(0, 0, {
            "product_id": pack.product_variant_id.id,
            "quota_subscription_id": subscription.id})]})
    order.action_confirm()
    sold = order._create_invoices()
    sold.action_post()
    pay(env, sold)
    env["quota.override"].create({
        "subscription_id": subscription.id, "metric_id": metric.id, "limit_value": 500,
        "reason": "Gift"})
    env["quota.api.key"].create({"name": "Scanner"}).action_generate()
    pay(env, subscription.period_ids.invoice_id)
    subscription._cancel(now=True)
    assert env["quota.overage"].search_count([])


def subscription_stripe(env):
    """Pay by a card whose owner contests the payment; keep Stripe's events and differences."""
    provider = env.ref("payment.payment_provider_stripe")
    env["ir.config_parameter"].set_param("subscription_stripe.api_base", "http://127.0.0.1:1")
    provider.write({
        "company_id": env.company.id, "state": "test", "stripe_publishable_key": "pk_test_x",
        "stripe_secret_key": "sk_test_x", "stripe_webhook_secret": "whsec_x"})
    payer = customer(env, "Payer")
    subscription = subscribe(env, payer, plan(env, "SEO", 100.0), civil_today())
    period = subscription.period_ids
    paid = env["payment.transaction"].create({
        "provider_id": provider.id, "partner_id": payer.id, "operation": "offline",
        "payment_method_id": env.ref("payment.payment_method_card").id,
        "reference": period._charge_reference(1), "amount": period.invoice_id.amount_total,
        "currency_id": env.company.currency_id.id, "provider_reference": "pi_1",
        "subscription_period_id": period.id, "invoice_ids": [(6, 0, period.invoice_id.ids)]})
    paid._set_done()
    paid._post_process()
    now = int(datetime.now().timestamp())
    env["payment.dispute"]._record_state(paid, {
        "id": "du_1", "object": "dispute", "amount": round(100 * paid.amount), "currency": "eur",
        "payment_intent": "pi_1", "reason": "fraudulent", "status": "needs_response",
        "evidence_details": {"due_by": now + 600_000, "submission_count": 0},
        "payment_method_details": {"card": {"network_reason_code": "10.4"}},
        "balance_transactions": [{
            "id": "txn_1", "object": "balance_transaction", "amount": -round(100 * paid.amount),
            "fee": 2000, "net": -round(100 * paid.amount) - 2000, "type": "adjustment",
            "reporting_category": "dispute", "currency": "eur", "created": now,
            "source": "du_1", "description": None}]})
    env["stripe.event"].create({
        "provider_id": provider.id, "company_id": env.company.id, "event_id": "evt_1",
        "kind": "payment_intent.succeeded", "body": json.dumps({"id": "evt_1"}),
        "received_at": datetime.now()})
    env["stripe.statement"].create({"provider_id": provider.id})
    env.cr.commit()
    with mute_logger("odoo.addons"):
        env["stripe.difference"]._cron_compare()  # nobody answers: staff are told
    assert env["payment.dispute"].search_count([]) and env["stripe.difference"].search_count([])


def report_paper(env):
    """Print an invoice, and change the engine in the settings."""
    printed = env["ir.actions.report"].with_context(
        force_report_rendering=True)._render_qweb_pdf(
            "account.account_invoices", invoice(env, customer(env)).ids)
    assert printed[0].startswith(b"%PDF")
    env["ir.config_parameter"].set_param("report.paper_engine", "wkhtmltopdf")
    env["ir.actions.report"].search([], limit=1).paper_archival = True


def legal_invoice(env):
    """Invoice companies, whose numbers VIES was asked about, as a complete French company."""
    env.company.write({
        "name": "Cap", **ADDRESS, "vat": "FR44732829320", "company_registry": "73282932000074",
        "legal_form": "sas", "legal_capital": 10000.0, "legal_rcs_city": "Lyon"})
    buyer = customer(env, "ACME", is_company=True, vat="FR40303265045")
    move = invoice(env, buyer)
    assert move._legal_mentions()
    env["vies.answer"]._get_or_create("FR40303265045")


def invoice_europe(env):
    """Invoice a training free of VAT, a consumer abroad, and a year paid ahead."""
    tax = env.company._europe_tax("training")
    invoice(env, customer(env), tax_ids=[(6, 0, tax.ids)])
    belgian = customer(env, "Lotte", country_id=env.ref("base.be").id)
    invoice(env, belgian)
    today = civil_today()
    yearly = invoice(env, belgian, deferred_start_date=today,
                     deferred_end_date=today + timedelta(days=364))
    assert yearly.revenue_deferral_ids and env["vat.evidence"].search_count([])


def month_closing(env):
    """Read the page of the last month, take it home, and look at what locking it would change."""
    invoice(env, customer(env))
    page = env["month.closing"].get_page()
    assert page["sections"] and env["month.closing"]._download(
        env.company, page["month"], "xlsx")[1]
    lock = env["month.lock"].browse(env["month.closing"].action_lock(page["month"])["res_id"])
    assert lock.change_html


def month_closing_credit(env):
    """See a wallet on the page of the month, beside a year paid ahead."""
    if not env["credit.wallet"].search_count([]):
        credit_wallet(env)
    invoice_europe(env)
    sections = env["month.closing"].get_page()["sections"]
    assert "credits" in [each["key"] for each in sections]


def month_closing_stripe(env):
    """See Stripe on the page of the month."""
    if not env["stripe.event"].search_count([]):
        subscription_stripe(env)
    sections = env["month.closing"].get_page()["sections"]
    assert "stripe" in [each["key"] for each in sections]


def legal_training(env):
    """Print the declaration of activity on the invoices of who sells trainings."""
    session_booking(env)
    env.company.write({"training_declaration": "84 69 12345 69",
                       "training_region": "Auvergne-Rhône-Alpes"})
    assert "training" in invoice(env, customer(env))._legal_mentions()


def subscription_credit(env):
    """Sell a plan whose month brings credits."""
    monthly = plan(env, "10 credits a month", 200.0)
    monthly.price_ids.granted_credits = 10
    subscription = subscribe(env, customer(env, "Monthly"), monthly, civil_today())
    pay(env, subscription.period_ids.invoice_id)
    wallet = env["credit.wallet"]._of(subscription.partner_id, env.company)
    assert wallet.balance == 10
    subscription._cancel()


def quota_credit(env):
    """Pay for extra units from the wallet."""
    metric = env["quota.metric"].create({"name": "Pages", "code": "pages", "unit": "pages"})
    starter = plan(env, "Starter with pages", 20.0)
    starter.quota_limit_ids = [(0, 0, {"metric_id": metric.id, "limit_value": 100})]
    owner = customer(env, "Reader")
    subscription = subscribe(env, owner, starter, civil_today())
    credits = product(env, "Pack of 10", credit_count=10, service_tracking="credit_pack")
    buy(env, owner, credits)
    pack = product(env, "50 pages", 20.0, service_tracking="quota_pack", quota_units=50,
                   quota_metric_id=metric.id, quota_credit_price=4)
    subscription._quota_buy_with_credits(pack, owner, "use")
    assert env["credit.entry"].search_count([("kind", "=", "quota")])


def invoice_europe_booking(env):
    """Give a training an analytic account, which its bookings bear."""
    env.company.analytic_offer_plan_id = env.ref("analytic.analytic_plan_projects")
    session_booking(env)
    training = env["event.type"].search([("is_training", "=", True)], limit=1)
    assert training.analytic_account_id


def invoice_europe_subscription(env):
    """Sell a year of a plan ahead, and earn it month by month."""
    env.company.analytic_offer_plan_id = env.ref("analytic.analytic_plan_projects")
    yearly = plan(env, "Yearly", 1200.0, unit="year")
    subscription = subscribe(env, customer(env, "Yearly"), yearly, civil_today())
    assert subscription.period_ids.invoice_id.revenue_deferral_ids
