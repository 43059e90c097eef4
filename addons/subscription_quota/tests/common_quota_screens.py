from odoo.fields import Command

from odoo.addons.subscription_billing.tests.common import SubscriptionCommon


class QuotaScreensCommon(SubscriptionCommon):
    """Starter: 100 scans a period and 3 accounts. Pro: 1,000 scans, accounts without limit and
    the API. A pack of 50 scans at 10.00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scans, cls.accounts, cls.api = cls.env["quota.metric"].create([
            {"name": "Test scans", "code": "test_scans", "unit": "scans"},
            {"name": "Test accounts", "code": "test_accounts", "kind": "held",
             "unit": "accounts"},
            {"name": "Test API", "code": "test_api", "kind": "feature"}])
        cls.limit(cls.starter, (cls.scans, 100), (cls.accounts, 3), (cls.api, 0))
        cls.limit(cls.pro, (cls.scans, 1000), (cls.accounts, None), (cls.api, 1))
        (cls.starter + cls.pro).is_published = True
        cls.pack = cls.make_quota_pack(cls.scans, 50)

    @classmethod
    def limit(cls, plan, *limits):
        plan.quota_limit_ids = [
            Command.create({"metric_id": metric.id, "limit_value": limit or 0,
                            "unlimited": limit is None})
            for metric, limit in limits]

    @classmethod
    def make_quota_pack(cls, metric, units, price=10.0, **vals):
        return cls.env["product.template"].create({
            "name": f"{units} more", "type": "service", "service_tracking": "quota_pack",
            "invoice_policy": "order", "quota_metric_id": metric.id, "quota_units": units,
            "list_price": price, "taxes_id": [Command.clear()], "is_published": True, **vals})

    def buy(self, subscription, pack=None, quantity=1, pay=True):
        """Sell a pack in the back office.

        :return: the posted invoice
        """
        order = self.env["sale.order"].create({
            "partner_id": subscription.partner_id.id,
            "order_line": [Command.create({
                "product_id": (pack or self.pack).product_variant_id.id,
                "product_uom_qty": quantity, "quota_subscription_id": subscription.id})]})
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        if pay:
            self.pay(invoice)
        return invoice

    def refund(self, invoice, quantity=None):
        """Make a credit note of so many packs with Odoo's own wizard."""
        reversal = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids).create(
                {"journal_id": invoice.journal_id.id})
        note = self.env["account.move"].browse(reversal.refund_moves()["res_id"])
        if quantity:
            note.invoice_line_ids.quantity = quantity
        note.action_post()
        return note

    def row(self, subscription, metric=None):
        """Return the bar of a metric, as the portal shows it."""
        code = (metric or self.scans).code
        return next(row for row in subscription._usage()["rows"] if row["code"] == code)

    def limit_of(self, subscription, metric=None):
        code = (metric or self.scans).code
        return next(state["limit"] for state in subscription._quota_state()
                    if state["metric"] == code)

    def send_alerts(self):
        with self.enter_registry_test_mode():
            self.env.ref("subscription_quota.ir_cron_quota_alerts").method_direct_trigger()
