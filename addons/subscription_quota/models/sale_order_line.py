from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import MAX_QUANTITY


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    subscription_price_id = fields.Many2one(
        "subscription.plan.price", string="Cycle", compute="_compute_subscription_price_id",
        store=True, readonly=False, precompute=True, ondelete="restrict",
        domain="[('plan_id.product_tmpl_id', '=', product_template_id)]",
        help="The interval and price at which the service is billed again.")
    subscription_ids = fields.One2many("subscription.subscription", "sale_line_id")
    quota_subscription_id = fields.Many2one(
        "subscription.subscription", string="For the subscription",
        compute="_compute_quota_subscription_id", store=True, readonly=False, precompute=True,
        ondelete="restrict", index="btree_not_null",
        domain="[('commercial_partner_id', 'parent_of', order_partner_id),"
        " ('state', 'in', ['trial', 'active', 'past_due', 'suspended'])]",
        help="The subscription to which the extra units are added.")
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

    @api.depends("product_id", "order_id.partner_id", "order_id.company_id")
    def _compute_quota_subscription_id(self):
        """The only subscription that counts what the pack has units of; chosen when several."""
        for line in self:
            current, line.quota_subscription_id = line.quota_subscription_id, False
            if line._is_quota_pack():
                possible = line._quota_subscriptions()
                line.quota_subscription_id = (
                    current & possible or (possible if len(possible) == 1 else False))

    def _quota_subscriptions(self):
        """The customer's subscriptions that extra units of the pack may be added to."""
        self.ensure_one()
        order = self.order_id
        # sudo: visitors and sales staff need no right on subscriptions; the customer's own
        return self.env["subscription.subscription"].sudo()._with_quota(
            order.partner_id, order.company_id, self.product_id.sudo().quota_metric_id)

    def _is_quota_pack(self):
        self.ensure_one()
        return self.product_id.service_tracking == "quota_pack"

    @api.constrains("quota_subscription_id", "product_id", "product_uom_qty")
    def _check_quota_pack(self):
        for line in self:
            if line.quota_subscription_id and (
                    not line._is_quota_pack()
                    or line.quota_subscription_id not in line._quota_subscriptions()):
                raise ValidationError(self.env._(
                    "“%(pack)s” cannot be added to this subscription: choose one of the "
                    "customer's own that counts the same units.",
                    pack=line.product_id.display_name))
            if line._is_quota_pack() and line.product_uom_qty != int(line.product_uom_qty):
                raise ValidationError(self.env._(
                    "%(pack)s is sold by the piece: %(quantity)s is not a whole number.",
                    pack=line.product_id.display_name, quantity=line.product_uom_qty))
            # sudo: visitors of the shop have no right on metrics
            units = line.product_id.sudo().quota_units * line.product_uom_qty
            if line._is_quota_pack() and units > MAX_QUANTITY:
                raise ValidationError(self.env._(
                    "“%(pack)s” has too many units: at most %(most)s.",
                    pack=line.product_id.display_name, most=MAX_QUANTITY))

    def _check_quota_packs_placed(self):
        """:raise ValidationError: nobody said to which subscription the units are added"""
        for line in self:
            if line._is_quota_pack() and not line.quota_subscription_id:
                raise ValidationError(self.env._(
                    "“%(pack)s” is not for any subscription yet. Buy it from the page of your "
                    "subscription, or choose the subscription on the line of the order.",
                    pack=line.product_id.display_name))

    @api.onchange("quota_subscription_id")
    def _onchange_quota_subscription_id(self):
        """Not a dependency of the name: another customer would reset every description."""
        if self._is_quota_pack():
            self._compute_name()

    def _get_sale_order_line_multiline_description_sale(self):
        """The customer reads on the cart and the invoice which subscription the pack is for."""
        description = super()._get_sale_order_line_multiline_description_sale()
        if not self.quota_subscription_id:
            return description
        # sudo: see _quota_subscriptions
        return description + "\n" + self.env._(
            "For the subscription %(subscription)s",
            subscription=self.quota_subscription_id.sudo().name)

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
