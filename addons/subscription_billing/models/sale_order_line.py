from odoo import api, fields, models
from odoo.exceptions import ValidationError


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    subscription_price_id = fields.Many2one(
        "subscription.plan.price", string="Cycle", compute="_compute_subscription_price_id",
        store=True, readonly=False, precompute=True, ondelete="restrict",
        domain="[('plan_id.product_tmpl_id', '=', product_template_id)]",
        help="The interval and price at which the service is billed again.")
    subscription_ids = fields.One2many("subscription.subscription", "sale_line_id")
    is_setup_fee = fields.Boolean(readonly=True, help="Of the subscription it is linked to.")

    @api.depends("product_id", "currency_id")
    def _compute_subscription_price_id(self):
        for line in self:
            plan = line.product_id.product_tmpl_id._subscription_plan()
            current = line.subscription_price_id
            if not plan:
                line.subscription_price_id = False
            elif current.plan_id != plan or current.currency_id != line.currency_id:
                line.subscription_price_id = plan.price_ids.filtered(
                    lambda price, currency=line.currency_id: price.currency_id == currency)[:1]

    @api.constrains("subscription_price_id", "product_id", "currency_id", "product_uom_qty")
    def _check_subscription_price(self):
        for line in self:
            plan = line.product_id.product_tmpl_id._subscription_plan()
            if not plan:
                continue
            if not line.subscription_price_id:
                plan._price_in(line.currency_id)  # says that there is none
            if line.subscription_price_id.plan_id != plan:
                raise ValidationError(self.env._(
                    "“%(price)s” is not a price of “%(plan)s”.",
                    price=line.subscription_price_id.display_name, plan=plan.name))
            if line.product_uom_qty != int(line.product_uom_qty):
                raise ValidationError(self.env._(
                    "“%(plan)s” is sold by the whole unit: %(quantity)s is not.",
                    plan=plan.name, quantity=line.product_uom_qty))

    @api.depends("subscription_price_id")
    def _compute_price_unit(self):
        return super()._compute_price_unit()

    def _get_display_price(self):
        """The price of the cycle; nothing today when the subscription starts by a trial."""
        self.ensure_one()
        if self.is_setup_fee:
            # sudo: see _subscription_plan
            return self.linked_line_id.subscription_price_id.sudo().setup_fee
        if not self.subscription_price_id:
            return super()._get_display_price()
        price = self.subscription_price_id.sudo()  # sudo: see _subscription_plan
        if price.plan_id._trial_available(self.order_id.partner_id):  # nothing is due today
            return 0.0
        return price._amount_on(fields.Date.context_today(self))

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._sync_setup_fees()
        return lines

    def write(self, vals):
        result = super().write(vals)
        if "subscription_price_id" in vals:
            self._sync_setup_fees()
        return result

    def _sync_setup_fees(self):
        """Keep one line for the setup fee beside each line of a plan that has one."""
        for line in self.filtered(
                lambda line: not line.is_setup_fee and line.state in ("draft", "sent")):
            price = line.subscription_price_id.sudo()  # sudo: see _subscription_plan
            # A trial owes nothing today: its fee is on the first invoice.
            tries = not line.price_unit and price.plan_id._trial_available(
                line.order_id.partner_id)
            fee = 0.0 if tries else price.setup_fee
            fees = line.linked_line_ids.filtered("is_setup_fee")
            if fees and fee:
                fees.price_unit = fee
            elif fees:
                fees.unlink()
            elif fee:
                line.create(line._prepare_setup_fee_vals(price))

    def _prepare_setup_fee_vals(self, price):
        self.ensure_one()
        return {
            "order_id": self.order_id.id, "linked_line_id": self.id, "is_setup_fee": True,
            "product_id": price.plan_id.setup_product_id.id, "product_uom_qty": 1,
            "sequence": self.sequence,
        }

    def _create_subscriptions(self):
        """Make and start the subscriptions of confirmed lines that have none.

        sudo: whoever confirms the order, the customer, an employee or a payment.
        """
        lines = self.sudo().filtered(
            lambda line: line.subscription_price_id and not line.subscription_ids
            and line.product_uom_qty > 0)
        subscriptions = self.env["subscription.subscription"].sudo().create(
            [line._prepare_subscription_vals() for line in lines])
        for subscription in subscriptions:
            subscription._start(trial=not subscription.sale_line_id.price_unit)
        return subscriptions

    def _prepare_subscription_vals(self):
        self.ensure_one()
        order = self.order_id
        return {
            "partner_id": order.partner_id.id,
            "partner_invoice_id": order.partner_invoice_id.id,
            "company_id": order.company_id.id,
            "user_id": order.user_id.id,
            "plan_id": self.subscription_price_id.plan_id.id,
            "price_id": self.subscription_price_id.id,
            "quantity": int(self.product_uom_qty),
            "sale_line_id": self.id,
        }

    def _prepare_invoice_line(self, **optional_values):
        """The order's invoice bills the first period of the subscription."""
        values = super()._prepare_invoice_line(**optional_values)
        # sudo: sales staff need no right on periods to invoice the order
        line = self.sudo()
        sold = line.linked_line_id if line.is_setup_fee else line
        period = sold.subscription_ids.period_ids.filtered(
            lambda period: period.state == "to_invoice")[:1]
        if period:
            values.update(
                subscription_period_id=period.id, is_subscription_extra=line.is_setup_fee)
        return values
