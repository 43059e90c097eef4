from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import withdraw_products


class ProductTemplate(models.Model):
    _inherit = "product.template"

    service_tracking = fields.Selection(
        selection_add=[("subscription", "A subscription")],
        ondelete={"subscription": withdraw_products})
    subscription_plan_ids = fields.One2many("subscription.plan", "product_tmpl_id")

    @api.model
    def _get_saleable_tracking_types(self):
        return super()._get_saleable_tracking_types() + ["subscription"]

    @api.model
    def _service_offers(self):
        """Add the services of plans."""
        return [*super()._service_offers(), "subscription"]

    @api.model
    def _service_offer_defaults(self):
        """Invoice what is ordered: it is paid before it is used."""
        return {**super()._service_offer_defaults(), "invoice_policy": "order"}

    def _prepare_service_tracking_tooltip(self):
        if self.service_tracking == "subscription":
            return self.env._("A subscription starts once the order is confirmed.")
        return super()._prepare_service_tracking_tooltip()

    def _subscription_plan(self):
        """Return the plan this service is sold as, or none."""
        # sudo: visitors of the shop have no right on plans; prices and trial are public
        return self.sudo().subscription_plan_ids[:1]

    def _price_compute(self, price_type, uom=None, currency=None, company=None, date=False):
        """Let the shop show for a plan what the cart asks: see ``_subscription_list_prices``."""
        prices = super()._price_compute(price_type, uom, currency, company, date)
        if price_type == "list_price":
            prices.update(self._subscription_list_prices(currency, company, date))
        return prices

    def _subscription_list_prices(self, currency=None, company=None, date=False):
        """Return what the first cycle of each plan among these services is on offer for.

        :return: dict of template id to float, in `currency`
        """
        company, prices = company or self.env.company, {}
        day = fields.Date.to_date(date) or fields.Date.context_today(self)
        for template in self:
            on_sale = template._subscription_plan().price_ids
            price = on_sale.filtered(lambda each: each.currency_id == currency)[:1] or on_sale[:1]
            if price:
                prices[template.id] = price.currency_id._convert(
                    price._amount_on(day), currency or template.currency_id, company, day)
        return prices

    def write(self, vals):
        """Refuse to archive what live subscriptions are billed with."""
        if vals.get("active") is False:
            self._subscription_plans()._check_can_be_archived()
        return super().write(vals)

    def unlink(self):
        """Delete services with the plans they are sold as; those that were sold are archived
        instead, and the user is told (agency case 7).

        :raise UserError: names the subscriptions to cancel first
        """
        self.check_access("unlink")
        plans = self._subscription_plans()
        plans._check_no_live_subscription()
        kept = plans.filtered(lambda plan: plan._is_sold())
        self._check_no_setup()
        (plans - kept).with_env(self.env).unlink()
        kept._archive_with_history()
        return super(ProductTemplate, self - kept.product_tmpl_id).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_setup(self):
        self._check_no_setup()

    def _check_no_setup(self):
        """Refuse to delete the service that setup fees of a plan are sold as.

        :raise UserError: names the plans to give another one first
        """
        # sudo: see _subscription_plans
        plans = self.env["subscription.plan"].sudo().with_context(active_test=False).search(
            [("setup_product_id.product_tmpl_id", "in", self.ids)])
        if plans:
            raise UserError(self.env._(
                "“%(product)s” is the setup service of: %(plans)s. Give these plans another one "
                "first.", product=self[:1].name, plans=", ".join(plans.mapped("name"))))

    def _subscription_plans(self):
        # sudo: whoever archives the service must not end up with orphan subscriptions
        return self.sudo().with_context(active_test=False).subscription_plan_ids
