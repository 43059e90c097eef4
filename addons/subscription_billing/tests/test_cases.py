"""The seven cases of ``agency-subscriptions.fr.txt``, one class each, named after them."""

from datetime import date, datetime

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import SubscriptionCommon


class CasesCommon(SubscriptionCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.env.ref("payment.payment_provider_demo")
        cls.provider.write({"state": "test", "is_published": True, "company_id": cls.company.id})
        cls.method = cls.env.ref("payment.payment_method_unknown", raise_if_not_found=False) or \
            cls.provider.payment_method_ids[:1]

    @classmethod
    def make_token(cls, state="done", partner=None):
        """Make a means of payment whose charges end in a state (Odoo's demo provider)."""
        return cls.env["payment.token"].create({
            "provider_id": cls.provider.id, "payment_method_id": cls.method.id,
            "payment_details": "4242", "partner_id": (partner or cls.customer).id,
            "provider_ref": "demo", "demo_simulated_state": state})

    def charge(self, moment):
        with self.at(moment), self.enter_registry_test_mode():
            self.env.ref("subscription_billing.ir_cron_charge").method_direct_trigger()

    def notices(self, moment):
        with self.at(moment), self.enter_registry_test_mode():
            self.env.ref("subscription_billing.ir_cron_notices").method_direct_trigger()

    def subjects(self, partner=None):
        return self.mails_to(partner or self.customer).mapped("subject")


@tagged("post_install", "-at_install")
class TestCase1SelfService(CasesCommon):
    """Cas d’usage 1 : le client souscrit à un service récurrent (achat en libre-service)."""

    def test_self_service_with_automatic_payment(self):
        self.env["ir.config_parameter"].sudo().set_param("sale.automatic_invoice", "True")
        token = self.make_token()
        plan = self.make_plan("Réseaux sociaux", 199.0)
        with self.at(date(2027, 1, 10)):
            order = self.env["sale.order"].create({
                "partner_id": self.customer.id,
                "order_line": [Command.create({
                    "product_id": plan.product_variant_id.id, "product_uom_qty": 1})]})
            self.assertEqual(order.amount_total, 199.0)
            transaction = self.env["payment.transaction"].create({
                "provider_id": self.provider.id, "payment_method_id": self.method.id,
                "token_id": token.id, "amount": 199.0, "currency_id": self.euro.id,
                "partner_id": self.customer.id, "operation": "online_token",
                "sale_order_ids": [Command.set(order.ids)]})
            transaction._charge_with_token()
            transaction._post_process()
        subscription = order.order_line.subscription_ids
        invoice = subscription.period_ids.invoice_id
        # « Crée un ID d’abonnement », « une commande liée », « une facture, marquée comme payée »
        self.assertTrue(subscription.name.startswith("SUB"))
        self.assertEqual((order.state, subscription.state), ("sale", "active"))
        self.assertEqual(subscription.sale_order_id, order)
        self.assertEqual(invoice, order.invoice_ids)
        self.assertIn(invoice.payment_state, ("paid", "in_payment"))
        self.assertEqual(subscription.period_ids.state, "paid")
        self.assertEqual(subscription.token_id, token)
        # « Le client reçoit un e-mail de confirmation de paiement »
        self.assertIn(f"Payment received: {invoice.name}", self.subjects())
        # « programme automatiquement le prochain cycle », rappel, paiement suivant
        self.assertEqual(subscription.next_date, date(2027, 2, 10))
        self.notices(date(2027, 2, 1))
        self.assertNotIn(f"Your subscription {subscription.name} renews soon", self.subjects())
        for _each in range(2):
            self.notices(date(2027, 2, 4))
        self.assertEqual(
            self.subjects().count(f"Your subscription {subscription.name} renews soon"), 1)
        self.run_due(date(2027, 2, 10))
        self.charge(date(2027, 2, 10))
        renewal = self.invoices(subscription)[-1]
        self.assertIn(renewal.payment_state, ("paid", "in_payment"))
        self.assertEqual(
            renewal.transaction_ids.mapped("reference"), [f"{subscription.name}/2027-02-10/1"])
        self.assertEqual(subscription.state, "active")
        self.charge(date(2027, 2, 10))
        self.assertEqual(len(renewal.transaction_ids), 1)


@tagged("post_install", "-at_install")
class TestCase2BankTransfer(CasesCommon):
    """Cas d’usage 2 : commande d’abonnement manuelle avec paiement hors ligne."""

    def test_manual_order_with_bank_transfer(self):
        plan = self.make_plan("Maintenance", 149.0)
        with self.at(date(2027, 1, 10)):
            subscription = self.env["subscription.subscription"].with_user(self.user).create({
                "partner_id": self.customer.id, "plan_id": plan.id,
                "price_id": plan.price_ids.id})
            subscription.action_start()
            invoice = subscription.sudo().period_ids.invoice_id
            # « Une facture est générée et envoyée au client »
            self.assertEqual((invoice.state, invoice.amount_untaxed), ("posted", 149.0))
            self.assertTrue(invoice.sending_data)
            self.assertEqual(subscription.state, "active")
        with self.at(date(2027, 1, 12)):
            self.pay(invoice)  # « L’agence marque manuellement la facture comme payée »
        # « Un e-mail de confirmation de paiement est envoyé au client », once
        self.assertEqual(self.subjects().count(f"Payment received: {invoice.name}"), 1)
        # « Le système programme la prochaine facture et notifie l’agence »
        self.assertEqual(subscription.next_date, date(2027, 2, 10))
        self.assertEqual(subscription.activity_ids.user_id, self.user)
        self.assertIn("next invoice", subscription.activity_ids.summary)
        self.assertEqual(subscription.activity_ids.date_deadline, date(2027, 2, 10))


@tagged("post_install", "-at_install")
class TestCase3FailedPayment(CasesCommon):
    """Cas d’usage 3 : échec de paiement & poursuite de l’abonnement."""

    def test_failed_payment_then_paid(self):
        subscription = self.subscribe(self.make_plan("SEO", 299.0), date(2027, 1, 10))
        self.pay(self.invoices(subscription))
        subscription.token_id = self.make_token("error")
        self.run_due(date(2027, 2, 10))
        self.charge(date(2027, 2, 10))
        invoice = self.invoices(subscription)[-1]
        # « Le paiement échoue, la facture reste ouverte »
        self.assertEqual((invoice.state, invoice.payment_state), ("posted", "not_paid"))
        self.assertEqual(subscription.state, "past_due")
        # « Une notification au client », « une notification à l’agence »
        mail = self.mails_to(self.customer).filtered(
            lambda mail: mail.subject == f"Payment failed: {invoice.name}")
        self.assertEqual(len(mail), 1)
        self.assertIn("Reason:", mail.body_html)
        self.assertIn(invoice.access_token or "access_token", mail.body_html)
        self.assertIn("Payment failed", subscription.activity_ids.sorted("id")[-1].summary)
        # « L’agence peut relancer manuellement le paiement »
        period = subscription.period_ids.filtered(lambda each: each.invoice_id == invoice)
        subscription.token_id = self.make_token("done")
        with self.at(date(2027, 2, 12)):
            period._charge_again()
        self.charge(date(2027, 2, 12))
        # « la facture est retraitée et marquée comme payée »
        self.assertIn(invoice.payment_state, ("paid", "in_payment"))
        self.assertEqual(subscription.state, "active")
        # Nobody is left to run after the customer; the next invoice is another matter.
        self.assertNotIn("Payment failed", str(subscription.activity_ids.mapped("summary")))
        self.assertIn("Nothing is unpaid any more", "".join(
            subscription.message_ids.mapped("body")))
        self.assertEqual(
            sorted(period.transaction_ids.mapped("reference")),
            [f"{subscription.name}/2027-02-10/1", f"{subscription.name}/2027-02-10/2"])

    def test_paid_by_another_route(self):
        """Paid by transfer after the refusal: active again, and charged no more."""
        subscription = self.subscribe(self.starter, date(2027, 1, 10))
        self.pay(self.invoices(subscription))
        subscription.token_id = self.make_token("error")
        self.run_due(date(2027, 2, 10))
        self.charge(date(2027, 2, 10))
        with self.at(date(2027, 2, 11)):
            self.pay(self.invoices(subscription)[-1])
        self.assertEqual(subscription.state, "active")
        self.assertEqual(subscription.period_ids.mapped("state"), ["paid", "paid"])

    def test_invoice_unpaid_by_its_due_date(self):
        subscription = self.subscribe(self.starter, date(2027, 1, 10))
        with self.at(date(2027, 3, 10)), self.enter_registry_test_mode():
            self.env.ref("subscription_billing.ir_cron_past_due").method_direct_trigger()
            self.env.ref("subscription_billing.ir_cron_past_due").method_direct_trigger()
        self.assertEqual(subscription.state, "past_due")
        invoice = self.invoices(subscription)
        self.assertEqual(self.subjects().count(f"Invoice unpaid: {invoice.name}"), 1)
        self.pay(invoice)
        self.assertEqual(subscription.state, "active")

    def test_lost_answer_is_asked_again_under_the_same_reference(self):
        """A crash after the commit of the attempt: the same transaction is sent again."""
        subscription = self.subscribe(
            self.starter, date(2027, 1, 10), token_id=self.make_token().id)
        period = subscription.period_ids
        begun = period._create_transaction()  # committed, then the power failed
        self.assertEqual(begun.state, "draft")
        self.charge(date(2027, 1, 10))
        self.assertEqual(period.transaction_ids, begun)
        self.assertEqual((begun.state, period.state), ("done", "paid"))


@tagged("post_install", "-at_install")
class TestCase4BillingCycle(CasesCommon):
    """Cas d’usage 4 : le client demande un changement de cycle de facturation."""

    def test_weekly_to_monthly_from_the_next_period(self):
        plan = self.make_plan("Design", 50.0, unit="week", prices=[("month", 1, 180.0)])
        weekly, monthly = plan.price_ids
        subscription = self.subscribe(plan, date(2027, 5, 24), weekly)
        self.pay(self.invoices(subscription))
        with self.at(date(2027, 5, 26)):
            change = subscription._change(monthly, timing="period_end")
        # « Le changement ne s’applique qu’aux factures futures, le cycle actuel reste inchangé »
        self.assertFalse(change.invoice_id or change.credit_note_id)
        self.assertEqual((subscription.price_id, subscription.next_date),
                         (weekly, date(2027, 5, 31)))
        # « Le client reçoit un e-mail confirmant le nouveau planning »
        mail = self.mails_to(self.customer).filtered(
            lambda mail: mail.subject == f"Your subscription {subscription.name} changes")
        self.assertIn("180.00", mail.body_html)
        self.assertIn("05/31/2027", mail.body_html)
        for day in (date(2027, 5, 31), date(2027, 6, 7), date(2027, 6, 30)):
            self.run_due(day)
        self.assertEqual(
            self.invoices(subscription).mapped(lambda move: (move.invoice_date, move.amount_total)),
            [(date(2027, 5, 24), 50.0), (date(2027, 5, 31), 180.0), (date(2027, 6, 30), 180.0)])


@tagged("post_install", "-at_install")
class TestCase5CancelAndKeepTheOrder(CasesCommon):
    """Cas d’usage 5 : annulation de l’abonnement (sans annuler la dernière commande)."""

    def test_cancel_at_the_end_of_the_period(self):
        subscription = self.subscribe(self.make_plan("PPC", 500.0), date(2027, 1, 10))
        with self.at(date(2027, 1, 20)):
            subscription._cancel()
            self.assertIn("02/10/2027", subscription.with_context(
                lang="en_US")._state_sentence())
        self.assertEqual(subscription.state, "active")
        self.assertIn(f"Your subscription {subscription.name} is cancelled", self.subjects())
        self.run_due(date(2027, 2, 9))
        self.assertEqual(subscription.state, "active")
        self.run_due(date(2027, 2, 10))
        self.assertEqual(subscription.state, "ended")
        self.assertEqual(len(self.invoices(subscription)), 1)
        self.assertFalse(self.credit_notes(subscription))

    def test_cancellation_withdrawn(self):
        subscription = self.subscribe(self.starter, date(2027, 1, 10))
        with self.at(date(2027, 1, 20)):
            subscription._cancel()
            subscription._withdraw_cancellation()
        self.run_due(date(2027, 2, 10))
        self.assertEqual((subscription.state, len(self.invoices(subscription))), ("active", 2))


@tagged("post_install", "-at_install")
class TestCase6CancelWithTheOrder(CasesCommon):
    """Cas d’usage 6 : annulation de l’abonnement (avec annulation de la commande)."""

    def cancel_after_ten_days(self, policy, cancel, **vals):
        plan = self.make_plan("Rédaction", 310.0, cancel_policy=policy, **vals)
        with self.at(date(2027, 1, 1)):
            order = self.env["sale.order"].create({
                "partner_id": self.customer.id,
                "order_line": [Command.create({"product_id": plan.product_variant_id.id})]})
            order.action_confirm()
            order._create_invoices().action_post()
        subscription = order.order_line.subscription_ids
        with self.at(date(2027, 1, 10)):
            cancel(subscription)
        return order, subscription

    def test_cancel_at_once_by_policy(self):
        """Status résilié, order cancelled, credit note of the days left, mail."""
        for policy, credited in (("prorated", 210.0), ("full", 310.0), ("none", 0.0)):
            order, subscription = self.cancel_after_ten_days(
                policy, lambda subscription: subscription._cancel(now=True))
            self.assertEqual((subscription.state, order.state), ("ended", "cancel"), policy)
            self.assertEqual(
                sum(self.credit_notes(subscription).mapped("amount_untaxed")), credited, policy)
            self.assertIn(f"Your subscription {subscription.name} has ended", self.subjects())
            self.run_due(date(2027, 2, 1))
            self.assertEqual(len(self.invoices(subscription)), 1)

    def test_order_cancelled_by_the_sales_staff(self):
        """Cancelling the order itself ends its subscription, by the same policy, once."""
        seller = new_test_user(self.env, "seller", "sales_team.group_sale_salesman_all_leads")
        order, subscription = self.cancel_after_ten_days(
            "prorated", lambda subscription: subscription.sale_order_id.with_user(
                seller)._action_cancel())
        self.assertEqual((subscription.state, order.state), ("ended", "cancel"))
        self.assertEqual(self.credit_notes(subscription).amount_untaxed, 210.0)
        self.assertEqual(
            self.subjects().count(f"Your subscription {subscription.name} has ended"), 1)

    def test_order_of_a_committed_customer(self):
        with self.assertRaisesRegex(UserError, "committed until"):
            self.cancel_after_ten_days(
                "full", lambda subscription: subscription.sale_order_id._action_cancel(),
                commitment_months=12)

    def test_order_not_yet_invoiced(self):
        with self.at(date(2027, 1, 1)):
            order = self.env["sale.order"].create({
                "partner_id": self.customer.id,
                "order_line": [Command.create({"product_id": self.pro.product_variant_id.id})]})
            order.action_confirm()
            subscription = order.order_line.subscription_ids
            self.assertEqual(subscription.period_ids.state, "to_invoice")
            subscription._cancel(now=True)
        self.assertEqual((subscription.state, order.state), ("ended", "cancel"))
        self.assertEqual(subscription.period_ids.state, "void")


@tagged("post_install", "-at_install")
class TestCase7DeleteAServiceWithSubscriptions(CasesCommon):
    """Cas d’usage 7 : impossibilité de supprimer un service avec abonnements actifs."""

    MESSAGE = ("Vous ne pouvez pas supprimer un service avec des abonnements actifs. "
               "Veuillez d’abord annuler tous les abonnements.")

    def removals(self, plan, **context):
        records = (plan, plan.product_tmpl_id, plan.product_variant_id)
        return ([record.with_context(**context).unlink for record in records],
                [record.with_context(**context).action_archive for record in records])

    def test_neither_deleted_nor_archived_while_live(self):
        """Deleting says the sentence of the case, archiving the softer way; both name who has
        it."""
        plan = self.make_plan("Logo")
        subscription = self.subscribe(plan, date(2027, 1, 10))
        deletions, _archivings = self.removals(plan, lang="fr_FR")
        _deletions, archivings = self.removals(plan, lang="en_US")
        for removals, sentence in (
                (deletions, self.MESSAGE), (archivings, "withdraw it from sale")):
            for remove in removals:
                with self.assertRaises(UserError) as caught, self.cr.savepoint():
                    remove()
                self.assertIn(sentence, str(caught.exception))
                self.assertIn(f"{subscription.name} (Camille)", str(caught.exception))
        with self.at(date(2027, 1, 11)):
            subscription._cancel(now=True)
        plan.action_archive()
        self.assertFalse(plan.active)

    def test_withdrawn_from_sale_while_live(self):
        plan = self.make_plan("Logo", is_published=True)
        self.subscribe(plan, date(2027, 1, 10))
        plan.with_user(self.manager).action_withdraw_from_sale()
        self.assertEqual((plan.is_published, plan.active), (False, True))

    def test_deleted_once_all_are_cancelled_keeps_the_history(self):
        """In one action, whichever record it is asked of; the user reads why it is archived."""
        for number in range(3):
            plan = self.make_plan(f"Logo {number}", is_published=True)
            subscription = self.subscribe(plan, date(2027, 1, 10))
            with self.at(date(2027, 1, 11)):
                subscription._cancel(now=True)
            told = []
            self.patch(self.env.registry["res.users"], "_bus_send",
                       lambda _users, kind, message, told=told, **_options: told.append(
                           message["message"]) if kind == "simple_notification" else None)
            self.assertTrue(self.removals(plan)[0][number]())
            self.assertEqual((plan.active, plan.is_published), (False, False))
            self.assertEqual(subscription.plan_id, plan)
            self.assertTrue(self.invoices(subscription).invoice_line_ids.product_id)
            self.assertEqual(len(told), 1)
            self.assertIn("archived instead of deleted", told[0])
            self.assertIn("archived instead of deleted", plan.message_ids[0].body)

    def test_offered_on_an_order_only(self):
        plan = self.make_plan("Offered")
        order = self.env["sale.order"].create({
            "partner_id": self.customer.id,
            "order_line": [Command.create({"product_id": plan.product_variant_id.id})]})
        plan.unlink()
        self.assertFalse(plan.active)
        self.assertTrue(order.order_line.subscription_price_id)

    def test_deleted_when_nobody_ever_subscribed(self):
        for number in range(3):
            plan = self.make_plan(f"Never sold {number}")
            product = plan.product_tmpl_id
            self.removals(plan)[0][number]()
            self.assertFalse(plan.exists())
            self.assertEqual(bool(product.exists()), not number)
            product.exists().unlink()
            self.assertFalse(product.exists())


@tagged("post_install", "-at_install")
class TestLife(CasesCommon):
    """Trials, pauses, suspensions and announced prices."""

    def test_trial_becomes_a_subscription(self):
        self.pro.trial_days = 14
        subscription = self.subscribe(self.pro, date(2027, 1, 10))
        self.assertEqual((subscription.state, subscription.trial_end, subscription.mrr),
                         ("trial", date(2027, 1, 24), 0.0))
        self.assertFalse(self.invoices(subscription))
        for _each in range(2):
            self.notices(date(2027, 1, 20))
        self.assertEqual(self.subjects().count("Your trial of Pro ends soon"), 1)
        self.run_due(date(2027, 1, 24))
        self.assertEqual((subscription.state, subscription.mrr), ("active", 200.0))
        self.assertEqual(self.invoices(subscription).invoice_date, date(2027, 1, 24))
        self.assertEqual(
            subscription.period_ids.sorted("date_start").mapped("kind"), ["trial", "recurring"])

    def test_trial_that_needs_a_card_ends_without_one(self):
        self.pro.write({"trial_days": 14, "trial_needs_card": True})
        without = self.subscribe(self.pro, date(2027, 1, 10))
        other = self.make_customer("Other")
        having = self.subscribe(
            self.pro, date(2027, 1, 10), partner_id=other.id,
            token_id=self.make_token(partner=other).id)
        self.run_due(date(2027, 1, 24))
        self.assertEqual((without.state, having.state), ("ended", "active"))
        self.assertFalse(self.invoices(without))

    def test_one_trial_per_customer_and_family(self):
        self.pro.trial_days = self.starter.trial_days = 14
        self.subscribe(self.pro, date(2027, 1, 10))
        employee = self.env["res.partner"].create(
            {"name": "Employee", "parent_id": self.customer.id})
        second = self.subscribe(self.starter, date(2027, 1, 10), partner_id=employee.id)
        self.assertEqual(second.state, "active")
        self.assertEqual(self.invoices(second).amount_untaxed, 100.0)

    def test_trial_cancelled_costs_nothing(self):
        self.pro.trial_days = 14
        subscription = self.subscribe(self.pro, date(2027, 1, 10))
        with self.at(date(2027, 1, 12)):
            subscription._cancel()
        self.run_due(date(2027, 1, 24))
        self.assertEqual(subscription.state, "ended")
        self.assertFalse(self.invoices(subscription))

    def test_plan_changed_within_the_trial(self):
        self.pro.trial_days = 14
        subscription = self.subscribe(self.pro, date(2027, 1, 10))
        with self.at(date(2027, 1, 12)):
            subscription._change(self.starter.price_ids)
        self.run_due(date(2027, 1, 24))
        self.assertEqual(self.invoices(subscription).amount_untaxed, 100.0)

    def test_pause_and_resume_without_back_billing(self):
        subscription = self.subscribe(self.starter, date(2027, 6, 1))
        with self.at(date(2027, 6, 15)):
            subscription._pause(resume_date=date(2027, 8, 10))
        self.assertEqual(self.credit_notes(subscription).amount_untaxed, 50.0)
        self.run_due(date(2027, 7, 1))
        self.run_due(date(2027, 8, 9))
        self.assertEqual((subscription.state, subscription.mrr), ("paused", 0.0))
        self.run_due(date(2027, 8, 10))
        self.assertEqual(subscription.state, "active")
        self.assertEqual(self.invoices(subscription).mapped("invoice_date"),
                         [date(2027, 6, 1), date(2027, 8, 10)])
        rows = subscription.period_ids.sorted("date_start")
        self.assertEqual([row.kind for row in rows], ["recurring", "pause", "recurring"])
        for row, following in zip(rows, rows[1:], strict=False):
            self.assertEqual(row.date_end, following.date_start)
        self.assertEqual(subscription.next_date, date(2027, 9, 10))

    def test_suspended_days_are_not_billed(self):
        subscription = self.subscribe(self.starter, date(2027, 1, 10))
        invoice = self.invoices(subscription)
        with self.at(date(2027, 2, 5)):
            subscription._mark_past_due()
            subscription._suspend()
        self.run_due(date(2027, 2, 10))
        self.assertEqual(len(self.invoices(subscription)), 1)
        with self.at(date(2027, 3, 1)):
            self.pay(invoice)
        self.assertEqual(subscription.state, "active")
        self.run_due(date(2027, 3, 1))
        self.assertEqual(self.invoices(subscription)[-1].invoice_date, date(2027, 3, 1))

    def test_price_announced(self):
        """Price change with notice: told once, applied at the first renewal after its date."""
        price = self.starter.price_ids
        subscription = self.subscribe(self.starter, date(2027, 1, 10))
        agreed = self.subscribe(self.starter, date(2027, 1, 10), unit_price=80.0)
        with self.at(date(2027, 1, 15)):
            with self.assertRaisesRegex(UserError, "at the soonest"):
                price._announce(120.0, date(2027, 1, 20))
            price._announce(120.0, date(2027, 3, 1))
        self.run_due(date(2027, 2, 10))
        for _each in range(2):
            self.notices(date(2027, 2, 11))
        self.assertEqual(self.subjects().count("New price of Starter"), 1)
        self.assertIn("03/10/2027", self.mails_to(self.customer)[-1].body_html)  # their own day
        self.run_due(date(2027, 3, 10))
        self.assertEqual(
            self.invoices(subscription).mapped("amount_untaxed"), [100.0, 100.0, 120.0])
        self.assertEqual(self.invoices(agreed).mapped("amount_untaxed"), [80.0, 80.0, 80.0])
        self.assertEqual(subscription.event_ids.filtered(
            lambda event: event.kind == "price").mrr_change, 20.0)

    def test_terms_and_state_are_not_written_by_hand(self):
        """Staff change a running subscription by its buttons, not by an import or a call."""
        subscription = self.subscribe(self.starter, date(2027, 1, 10)).with_user(self.manager)
        for vals in ({"state": "ended"}, {"next_date": date(2028, 1, 1)}, {"is_held": True},
                     {"quantity": 5}, {"plan_id": self.pro.id}, {"anchor_date": date(2027, 2, 1)}):
            with self.assertRaisesRegex(UserError, "by hand"):
                subscription.write(vals)
        draft = self.draft(self.starter).with_user(self.manager)
        draft.quantity = 5
        with self.assertRaisesRegex(UserError, "by hand"):
            draft.state = "active"
        with self.assertRaisesRegex(UserError, "by hand"):
            draft.create({
                "partner_id": self.customer.id, "plan_id": self.starter.id,
                "price_id": self.starter.price_ids.id, "state": "active"})
        draft.action_start()
        draft.action_pause()
        self.assertEqual((draft.state, draft.quantity), ("paused", 5))

    def test_history_cannot_be_rewritten(self):
        subscription = self.subscribe(self.starter, date(2027, 1, 10))
        event = subscription.event_ids[0]
        with self.assertRaises(UserError):
            event.sudo().note = "never happened"
        with self.assertRaisesRegex(Exception, "append-only"), mute_logger("odoo.sql_db"), \
                self.cr.savepoint():
            self.env.cr.execute("DELETE FROM subscription_event WHERE id = %s", [event.id])

    def test_mrr_movements_add_up(self):
        """Σ MRR movements = the MRR of the subscription, whatever happened to it."""
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        with self.at(datetime(2027, 1, 5, 12)):
            subscription._change(self.pro.price_ids, 2)
        with self.at(date(2027, 1, 10)):
            subscription._pause()
        self.assertEqual(sum(subscription.event_ids.mapped("mrr_change")), 0.0)
        with self.at(date(2027, 2, 10)):
            subscription._resume()
        self.assertEqual(sum(subscription.event_ids.mapped("mrr_change")), 400.0)

    def test_provider_switched_off_holds_nobody_else_back(self):
        """A charge that cannot even be asked for: staff are told, the others are charged."""
        off = self.provider.copy({"name": "Off", "state": "test"})
        customers = [self.make_customer(name) for name in ("One", "Two", "Three")]
        asked, archived, good = (self.subscribe(
            self.starter, date(2027, 1, 10), partner_id=customer.id,
            token_id=self.make_token(partner=customer).id) for customer in customers)
        (asked + archived).token_id.provider_id = off
        unanswered = asked.period_ids._create_transaction()
        off.state = "disabled"  # which archives its tokens
        self.assertFalse(archived.token_id.active)
        with mute_logger("odoo.addons.subscription_billing.models.subscription_period_charging"):
            self.charge(date(2027, 1, 10))
        self.assertEqual(good.period_ids.state, "paid")
        self.assertEqual(archived.state, "past_due")  # told to pay otherwise
        self.assertIn("Payment failed: " + archived.period_ids.invoice_id.name,
                      self.subjects(customers[1]))
        self.assertEqual((asked.state, unanswered.state), ("active", "draft"))
        for subscription in (asked, archived):
            self.assertFalse(subscription.period_ids.charge_at)
            self.assertTrue(subscription.activity_ids)
