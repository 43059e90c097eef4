"""What happens to customers in a few days, played in a copy of the demo: what tests of screens and
of language look at.
"""

import datetime
import unicodedata


def _plain(name):
    """Return a name as addresses have it: in lower case, without accents."""
    return unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()


class Stories:
    """Plays stories with new customers.

    :param env: of whoever acts; its language is that of what is written
    """

    def __init__(self, env):
        self.env = env

    def cron(self, name):
        """Run a scheduled action as the server does: as nobody, in no language."""
        cron = self.env(context={}).ref(name)
        cron._callback(cron.cron_name, cron.ir_actions_server_id.id)
        self.env.invalidate_all()

    def customer(self, name):
        partner = self.env["res.partner"].create({
            "name": name, "lang": "fr_FR", "street": "1 rue Longue", "zip": "69001",
            "city": "Lyon", "country_id": self.env.ref("base.fr").id, "tz": "Europe/Paris",
            "email": f"{_plain(name.split()[0])}@example.com"})
        return partner

    def subscribe(self, name, days=0, plan="Starter"):
        """Begin a subscription so many days ago."""
        plan = self.env["subscription.plan"].search([("name", "=", plan)], limit=1)
        subscription = self.env["subscription.subscription"].create({
            "partner_id": self.customer(name).id, "plan_id": plan.id,
            "price_id": plan.price_ids[0].id, "backlog_confirmed": True, "tz": "Europe/Paris",
            "anchor_date": self.env.company._civil_today() - datetime.timedelta(days=days),
            "user_id": self.env.ref("base.user_admin").id})
        subscription.action_start()
        return subscription

    def pay(self, invoices):
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoices.ids).create({})._create_payments()

    def subscriptions(self):
        """Change, pause, cancel; and leave one unpaid until all steps are done."""
        moving = self.subscribe("Odile Durand")
        self.pay(moving.period_ids.invoice_id)
        prices = {plan.name: plan.price_ids[0] for plan in self.env["subscription.plan"].search([])}
        moving._change(prices["Scale"])
        moving._change(prices["Starter"], timing="period_end")
        moving.action_drop_change()
        moving._cancel()
        moving.action_keep()
        leaving = self.subscribe("Paul Leroy", days=3)
        self.pay(leaving.period_ids.invoice_id)
        leaving._cancel(now=True)
        resting = self.subscribe("Rose Petit", days=5)
        self.pay(resting.period_ids.invoice_id)
        resting._pause()
        resting._resume()
        late = self.subscribe("Luc Moreau", days=20)
        late.period_ids.invoice_id.invoice_date_due = (
            self.env.company._civil_today() - datetime.timedelta(1))
        self.cron("subscription_billing.ir_cron_past_due")
        for step in range(1, 8):
            late.period_ids.dunning_start = (
                self.env.company._civil_today() - datetime.timedelta(8 * step))
            self.cron("subscription_billing.ir_cron_dun")
        self.cron("subscription_billing.ir_cron_notices")

    def credits(self):
        """Buy, spend, give back, lose; and take a pack back that was used in part."""
        customer = self.customer("Zoé Martin")
        pack = self.env["product.template"].search([("credit_count", "=", 10)], limit=1)
        order = self.env["sale.order"].create({"partner_id": customer.id, "order_line": [
            (0, 0, {"product_id": pack.product_variant_id.id})]})
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        self.pay(invoice)
        wallet = self.env["credit.wallet"]._of(customer, self.env.company)
        wallet._spend(3, f"french:spend:{customer.id}", origin="Essai")
        self.sessions(wallet, customer)
        self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids).create({
                "journal_id": invoice.journal_id.id}).refund_moves()
        invoice.reversal_move_ids.action_post()
        wallet._grant(2, 0.0, f"french:gift:{customer.id}", kind="adjustment", reason="Cadeau",
                      expiry_date=self.env.company._civil_today() + datetime.timedelta(days=5))
        self.cron("credit_wallet.ir_cron_notify_expiring_credits")
        self.env.cr.execute("UPDATE credit_lot SET expiry_date = CURRENT_DATE - 1 WHERE id IN "
                            "(SELECT max(id) FROM credit_lot)")
        self.env.invalidate_all()
        self.cron("credit_wallet.ir_cron_expire_credits")

    def sessions(self, wallet, customer):
        """Book, move, cancel; and wait for a seat."""
        trainings = self.env["event.type"].search([("is_training", "=", True)])
        begin = datetime.datetime.now().replace(microsecond=0) + datetime.timedelta(days=40)
        sessions = self.env["event.event"].create([{
            "name": trainings[0].name, "event_type_id": trainings[0].id, "credit_price": 1,
            "date_begin": begin + datetime.timedelta(days=day), "is_published": True,
            "date_end": begin + datetime.timedelta(days=day, hours=2), "seats_limited": True,
            "seats_max": 1, "trainer_id": self.env.ref("base.user_admin").partner_id.id,
        } for day in range(3)])
        seats = [session._book(wallet, customer, f"french:{session.id}") for session in sessions]
        waiting = self.customer("Yann Roux")
        self.env["credit.wallet"]._of(waiting, self.env.company)._grant(
            5, 0.0, f"french:waiting:{waiting.id}", kind="adjustment", reason="Cadeau")
        self.env["session.waiting"]._join(sessions[0], waiting)
        seats[0]._cancel_by_customer()
        self.cron("session_booking.ir_cron_waiting")
        sessions[1]._move_session(begin + datetime.timedelta(days=9),
                                  begin + datetime.timedelta(days=9, hours=3))
        sessions[2]._cancel_session()
        self.env.cr.execute("UPDATE event_event SET date_begin = now() + interval '20 hours', "
                            "date_end = now() + interval '22 hours' WHERE id = %s", sessions[1].ids)
        self.env.invalidate_all()
        self.cron("session_booking.ir_cron_session_reminders")

    def quotas(self):
        """Near a limit, beyond it, and a key made, rotated and revoked."""
        subscription = self.subscribe("Nora Blanc")
        self.pay(subscription.period_ids.invoice_id)
        subscription._quota_consume("scans", 190)
        self.cron("subscription_quota.ir_cron_quota_alerts")
        key = self.env["quota.api.key"].create({
            "name": "Production", "partner_id": subscription.partner_id.id})
        key.action_generate()
        key.action_rotate()
        key.action_revoke()

    def rare(self):
        """Leave things half done: an offered seat, a planned change, a credit note whose money is
        still here, a year paid ahead.
        """
        begin = datetime.datetime.now().replace(microsecond=0) + datetime.timedelta(days=60)
        training = self.env["event.type"].search([("is_training", "=", True)], limit=1)
        session = self.env["event.event"].create({
            "name": training.name, "event_type_id": training.id, "credit_price": 1,
            "date_begin": begin, "date_end": begin + datetime.timedelta(hours=2),
            "is_published": True, "seats_limited": True, "seats_max": 1})
        customers = [self.customer(name) for name in ("Alix Un", "Basile Deux", "Cyr Trois")]
        wallets = [self.env["credit.wallet"]._of(one, self.env.company) for one in customers]
        for wallet in wallets:
            wallet._grant(3, 0.0, f"rare:{wallet.id}", kind="adjustment", reason="Cadeau")
        seat = session._book(wallets[0], customers[0], f"rare:{session.id}")
        for customer in customers[1:]:
            self.env["session.waiting"]._join(session, customer)
        seat._cancel_by_customer()
        changing = self.subscribe("Denis Quatre", plan="Scale")
        self.pay(changing.period_ids.invoice_id)
        plan = self.env["subscription.plan"].search([("name", "=", "Starter")], limit=1)
        changing._change(plan.price_ids[0], timing="period_end")
        yearly = plan.price_ids.filtered(lambda price: price.interval_unit == "year")
        self.env["subscription.subscription"].create({
            "partner_id": self.customer("Élise Cinq").id, "plan_id": plan.id,
            "price_id": yearly.id}).action_start()
        paid = self.env["payment.transaction"].search([
            ("provider_code", "=", "stripe"), ("state", "=", "done"),
            ("operation", "=", "offline"), ("partner_id.name", "=", "Inès Moreau")], limit=1)
        note = paid.invoice_ids[:1]._reverse_moves()
        note.invoice_line_ids.price_unit = 5.0
        note.action_post()
        order = self.env["sale.order"].create({
            "partner_id": customers[0].id, "order_line": [
                (0, 0, {"product_id": plan.product_variant_id.id})]})
        order.action_confirm()
