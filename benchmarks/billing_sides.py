"""What is compared by :mod:`benchmarks.billing`: how each side is filled, and how it bills.

Every side bills one line of one service with the same taxes to the same customers, due today,
and ends with posted invoices. What a peer leaves as drafts is posted with Odoo's own ``_post``,
two hundred at a time.
"""

from odoo import fields
from odoo.tools import split_every

BATCH = 200
PRICE = 30.0


def make_customers(env, number):
    return env["res.partner"].create([{
        "name": f"Customer {index}", "email": f"customer{index}@example.com",
        "street": "1 rue Longue", "zip": "69001", "city": "Lyon",
        "country_id": env.ref("base.fr").id} for index in range(number)])


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

    def fill(self, env, number):
        raise NotImplementedError

    def bill(self, env):
        """Bill all that is due; commits."""
        raise NotImplementedError


class Ours(Side):
    modules = ("subscription_quota",)

    def fill(self, env, number):
        product = make_product(env)
        plan = env["subscription.plan"].create({
            "name": "Starter", "product_tmpl_id": product.product_tmpl_id.id})
        price = env["subscription.plan.price"].create({
            "plan_id": plan.id, "interval_unit": "month", "interval_count": 1,
            "amount": PRICE, "currency_id": env.company.currency_id.id})
        today = fields.Date.today()
        env["subscription.subscription"].create([{
            "partner_id": partner.id, "plan_id": plan.id, "price_id": price.id,
            "anchor_date": today, "next_date": today, "state": "active"}
            for partner in make_customers(env, number)])

    def bill(self, env):
        env["subscription.run"]._cron_renew()
        env.cr.commit()


class Contract(Side):
    modules = ("contract",)

    def fill(self, env, number):
        product = make_product(env)
        today = fields.Date.today()
        env["contract.contract"].create([{
            "name": f"Contract {partner.id}", "partner_id": partner.id, "contract_type": "sale",
            "line_recurrence": False, "recurring_rule_type": "monthly", "recurring_interval": 1,
            "date_start": today, "recurring_next_date": today,
            "contract_line_ids": [(0, 0, {
                "product_id": product.id, "name": "Service", "quantity": 1,
                "price_unit": PRICE})]}
            for partner in make_customers(env, number)])

    def bill(self, env):
        env["contract.contract"].cron_recurring_create_invoice()
        env.cr.commit()
        post(env["account.move"].search([("state", "=", "draft")], order="id"))


class SubscriptionOca(Side):
    modules = ("subscription_oca",)

    def fill(self, env, number):
        product = make_product(env)
        today = fields.Date.today()
        template = env["sale.subscription.template"].create({
            "name": "Monthly", "recurring_rule_type": "months", "recurring_interval": 1,
            "invoicing_mode": "draft"})
        stage = env["sale.subscription.stage"].search([("type", "=", "in_progress")], limit=1)
        pricelist = env["product.pricelist"].create({"name": "List"})
        env["sale.subscription"].create([{
            "partner_id": partner.id, "template_id": template.id, "pricelist_id": pricelist.id,
            "stage_id": stage.id, "in_progress": True, "date_start": today,
            "recurring_next_date": today,
            "sale_subscription_line_ids": [(0, 0, {
                "product_id": product.id, "name": "Service", "product_uom_qty": 1,
                "price_unit": PRICE})]}
            for partner in make_customers(env, number)])

    def bill(self, env):
        env["sale.subscription"].cron_subscription_management()
        env.cr.commit()
        post(env["account.move"].search([("state", "=", "draft")], order="id"))


class Floor(Side):
    """The same invoices without any engine: created and posted as lists."""

    modules = ("sale",)

    def fill(self, env, number):
        make_product(env)
        make_customers(env, number)

    def bill(self, env):
        product = env["product.product"].search([("name", "=", "Service")])
        partners = env["res.partner"].search([("name", "=like", "Customer %")])
        for ids in split_every(BATCH, partners.ids):
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
