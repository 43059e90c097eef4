"""What is compared by :mod:`benchmarks.billing`: how each side is filled, and how it bills.

Every side bills one line of one service with the same taxes to the same customers, due today,
and ends with posted invoices. What a peer leaves as drafts is posted with Odoo's own ``_post``,
two hundred at a time.
"""

from odoo import fields
from odoo.tools import split_every

BATCH = 200
PRICE = 30.0


def make_customers(env, first, number):
    return env["res.partner"].create([{
        "name": f"Customer {index}", "email": f"customer{index}@example.com",
        "street": "1 rue Longue", "zip": "69001", "city": "Lyon",
        "country_id": env.ref("base.fr").id} for index in range(first, first + number)])


def make_product(env):
    """With an income account of its own, which subscription_oca asks for."""
    journal = env["account.journal"].search([("type", "=", "sale")], limit=1)
    return env["product.product"].create({
        "name": "Service", "type": "service", "list_price": PRICE, "invoice_policy": "order",
        "property_account_income_id": journal.default_account_id.id})


def post(moves):
    """As a peer's user would: the drafts, two hundred at a time, with a commit each."""
    for ids in split_every(BATCH, moves.ids):
        moves.browse(ids)._post()
        moves.env.cr.commit()


class Side:
    """One way to bill, in a database of its own."""

    modules = ()

    def prepare(self, env):
        """What all subscriptions share."""
        self.product = make_product(env)

    def fill(self, env, customers):
        """A subscription due today for each customer."""
        raise NotImplementedError

    def bill(self, env, number):
        """Bill the next `number` of what is due; commits."""
        raise NotImplementedError


class Ours(Side):
    modules = ("subscription_billing",)

    def prepare(self, env):
        super().prepare(env)
        self.plan = env["subscription.plan"].create({
            "name": "Starter", "product_tmpl_id": self.product.product_tmpl_id.id})
        self.price = env["subscription.plan.price"].create({
            "plan_id": self.plan.id, "interval_unit": "month", "interval_count": 1,
            "amount": PRICE, "currency_id": env.company.currency_id.id})

    def fill(self, env, customers):
        today = fields.Date.today()
        env["subscription.subscription"].create([{
            "partner_id": customer.id, "plan_id": self.plan.id, "price_id": self.price.id,
            "anchor_date": today, "next_date": today, "state": "active",
            "cancel_policy": self.plan.cancel_policy}
            for customer in customers])

    def bill(self, env, number):
        """The scheduled action itself, with its time up after each batch."""
        cron = env.ref("subscription_billing.ir_cron_renew")
        progress = env["ir.cron.progress"].create({
            "cron_id": cron.id, "remaining": 0, "done": 0, "timed_out_counter": 0})
        runs = env["subscription.run"].with_context(
            cron_id=cron.id, ir_cron_progress_id=progress.id, cron_end_time=0)
        for _batch in range(0, number, BATCH):
            runs._cron_renew()
        env.cr.commit()


class Contract(Side):
    modules = ("contract",)

    def fill(self, env, customers):
        today = fields.Date.today()
        env["contract.contract"].create([{
            "name": f"Contract {customer.id}", "partner_id": customer.id,
            "contract_type": "sale", "line_recurrence": False,
            "recurring_rule_type": "monthly", "recurring_interval": 1,
            "date_start": today, "recurring_next_date": today,
            "contract_line_ids": [(0, 0, {
                "product_id": self.product.id, "name": "Service", "quantity": 1,
                "price_unit": PRICE})]}
            for customer in customers])

    def bill(self, env, number):
        """As its scheduled action does for the contracts of a company."""
        contracts = env["contract.contract"]
        due = contracts.search(
            contracts._get_contracts_to_invoice_domain(), order="id", limit=number)
        with env.cr.savepoint():
            due._recurring_create_invoice(fields.Date.today())
        due._clear_invoice_generation_error()
        env.cr.commit()
        post(env["account.move"].search([("state", "=", "draft")], order="id"))


class SubscriptionOca(Side):
    modules = ("subscription_oca",)

    def prepare(self, env):
        super().prepare(env)
        self.template = env["sale.subscription.template"].create({
            "name": "Monthly", "recurring_rule_type": "months", "recurring_interval": 1,
            "invoicing_mode": "draft"})
        self.stage = env["sale.subscription.stage"].search(
            [("type", "=", "in_progress")], limit=1)
        self.pricelist = env["product.pricelist"].create({"name": "List"})

    def fill(self, env, customers):
        today = fields.Date.today()
        env["sale.subscription"].create([{
            "partner_id": customer.id, "template_id": self.template.id,
            "pricelist_id": self.pricelist.id, "stage_id": self.stage.id, "in_progress": True,
            "date_start": today, "recurring_next_date": today,
            "sale_subscription_line_ids": [(0, 0, {
                "product_id": self.product.id, "name": "Service", "product_uom_qty": 1,
                "price_unit": PRICE})]}
            for customer in customers])

    def bill(self, env, number):
        """As its scheduled action does for each subscription."""
        due = env["sale.subscription"].search(
            [("in_progress", "=", True), ("recurring_next_date", "<=", fields.Date.today())],
            order="recurring_next_date, id", limit=number)
        for subscription in due:
            subscription.with_company(subscription.company_id).generate_invoice()
        env.cr.commit()
        post(env["account.move"].search([("state", "=", "draft")], order="id"))


class Floor(Side):
    """The same invoices without any engine: created and posted as lists."""

    modules = ("sale",)

    def fill(self, env, customers):
        """The customers are all there is."""

    def bill(self, env, number):
        product = env["product.product"].search([("name", "=", "Service")])
        billed = env["account.move"].search([("move_type", "=", "out_invoice")]).partner_id
        due = env["res.partner"].search(
            [("name", "=like", "Customer %"), ("id", "not in", billed.ids)], limit=number)
        for ids in split_every(BATCH, due.ids):
            moves = env["account.move"].create([{
                "move_type": "out_invoice", "partner_id": partner_id,
                "invoice_date": fields.Date.today(),
                "invoice_line_ids": [(0, 0, {
                    "product_id": product.id, "quantity": 1, "price_unit": PRICE})]}
                for partner_id in ids])
            moves._post()
            env.cr.commit()


SIDES = {"ours": Ours, "contract": Contract, "subscription_oca": SubscriptionOca,
         "floor": Floor}
