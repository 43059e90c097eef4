from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from odoo.addons.concurrency_base.tools import as_engine

# What the customer agreed to by the confirmation: the subscription bears it from then on.
AGREED = ("product_id", "subscription_price_id", "product_uom_qty", "price_unit", "discount")


class SaleOrderLine(models.Model):
    """A plan on an order: its terms are those of the line, which its subscription takes over.

    Price, quantity, discount in percent, trial, commitment and setup fee are kept on the line as
    they were when it was made, whatever becomes of the plan. A discount typed on the line holds
    for every period, as the price does; one on the whole order, which Odoo writes on a line of
    its own, is for the order's invoice, hence for the first period. So is a plan that a promotion
    gives away: its subscription ends with the first period by itself, and costs its price when the
    customer keeps it.
    """

    _inherit = "sale.order.line"

    subscription_price_id = fields.Many2one(
        "subscription.plan.price", string="Cycle", compute="_compute_subscription_price_id",
        store=True, readonly=False, precompute=True, ondelete="restrict",
        domain="[('plan_id.product_tmpl_id', '=', product_template_id)]",
        help="The interval and price at which the service is billed again.")
    subscription_ids = fields.One2many("subscription.subscription", "sale_line_id")
    subscription_trial_days = fields.Integer(
        string="Trial (days)", compute="_compute_subscription_trial_days", store=True, engine=True,
        precompute=True, help="Free days at the start; nothing is due today.")
    subscription_commitment_months = fields.Integer(
        string="Commitment (months)", compute="_compute_subscription_terms", store=True,
        engine=True, precompute=True, help="From the first paid day.")
    subscription_setup_fee = fields.Monetary(
        string="Setup fee", compute="_compute_subscription_terms", store=True, engine=True,
        precompute=True, help="On a line of its own, or on the first invoice after a trial.")
    is_setup_fee = fields.Boolean(
        readonly=True, engine=True, help="Of the subscription it is linked to.")

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

    @api.depends("subscription_price_id")
    def _compute_subscription_terms(self):
        for line in self:
            terms = line._subscription_terms_on_offer()
            if line._is_agreed():
                terms = {name: line[name] for name in terms}
            line.update(terms)

    def _subscription_terms_on_offer(self):
        self.ensure_one()
        price = self.subscription_price_id.sudo()  # sudo: see _subscription_plan
        if self._is_given_by_promotion():
            return {"subscription_commitment_months": 0, "subscription_setup_fee": 0.0}
        return {"subscription_commitment_months": price.plan_id.commitment_months,
                "subscription_setup_fee": price.setup_fee}

    @api.depends("subscription_price_id")
    def _compute_subscription_trial_days(self):
        """Offer the trial when the plan is chosen.

        The customer and the other lines count, too, but are no dependencies: names and prices
        follow from this field, and those typed on lines without a plan would be computed anew.
        :meth:`_refresh_plans` looks again at the lines with one.
        """
        for line in self:
            if line._is_agreed():
                line.subscription_trial_days = line.subscription_trial_days
            else:
                line.subscription_trial_days = line._trial_days_on_offer()

    def _is_agreed(self):
        """Tell whether the line was confirmed: what it says is what the customer agreed to."""
        self.ensure_one()
        return bool(self._origin) and self.state not in ("draft", "sent")

    def _trial_days_on_offer(self):
        """Return the days of trial the line starts with; one line of an order for each family.

        This method alone decides it, for the cart, the draft order and again at the confirmation.
        """
        self.ensure_one()
        plan = self.subscription_price_id.sudo().plan_id  # sudo: see _subscription_plan
        if (not plan.trial_days or self._is_given_by_promotion()
                or not plan._trial_available(self.order_id.partner_id)):
            return 0
        rivals = self.order_id.order_line.filtered(
            lambda line: line.subscription_price_id.sudo().plan_id.family_id == plan.family_id
            and line.subscription_price_id.sudo().plan_id.trial_days
            and not line._is_given_by_promotion())
        return 0 if rivals and rivals[0] != self else plan.trial_days

    def _starts_by_trial(self):
        """Tell whether nothing is due today; a price typed on the line does away with the trial."""
        self.ensure_one()
        return bool(self.subscription_trial_days) and not self.price_unit

    @api.constrains("subscription_price_id", "product_id", "currency_id", "product_uom_qty")
    def _check_subscription_price(self):
        for line in self:
            plan = line.product_id.product_tmpl_id._subscription_plan()
            sold = line.subscription_price_id.plan_id.product_tmpl_id
            if not plan and sold <= line.product_id.product_tmpl_id:
                continue  # no price, or one of a plan archived since
            if not line.subscription_price_id:
                plan._price_in(line.currency_id)  # says that there is none
            if line.subscription_price_id.plan_id != plan:
                raise ValidationError(self.env._(
                    "“%(price)s” is not a price of “%(plan)s”.",
                    price=line.subscription_price_id.display_name,
                    plan=plan.name or line.product_id.display_name or line.name))
            if line.subscription_price_id.currency_id != line.currency_id:
                raise ValidationError(self.env._(
                    "“%(price)s” is not in %(currency)s, the currency of the order. Choose a "
                    "price in this currency.", currency=line.currency_id.name,
                    price=line.subscription_price_id.display_name))
            if line.product_uom_qty != int(line.product_uom_qty):
                raise ValidationError(self.env._(
                    "“%(plan)s” is sold in whole units: %(quantity)s is not a whole number.",
                    plan=plan.name, quantity=line.product_uom_qty))

    @api.depends("subscription_price_id", "subscription_trial_days")
    def _compute_name(self):
        return super()._compute_name()

    def _subscription_sentences(self):
        """Return what the customer agrees to besides the price of today, a sentence a line."""
        self.ensure_one()
        price = self.subscription_price_id.sudo()  # sudo: see _subscription_plan
        if not price:
            return []
        sentences = [price._announced_label()]
        if self.subscription_trial_days:
            sentences.append(self.env._(
                "%(days)s days free of charge, then %(amount)s %(interval)s",
                days=self.subscription_trial_days, amount=price._amount_label(),
                interval=price._interval_label()))
            if self.subscription_setup_fee:
                sentences.append(self.env._(
                    "Setup fee on the first invoice: %(amount)s",
                    amount=price._with_tax_word(self.subscription_setup_fee)))
        else:
            sentences.append(self.env._(
                "Subscription, billed %(interval)s until you cancel",
                interval=price._interval_label()))
        if self.subscription_commitment_months:
            sentences.append(self.env._(
                "Commitment of %(months)s months from the first paid day",
                months=self.subscription_commitment_months))
        return [sentence for sentence in sentences if sentence]

    def _get_sale_order_line_multiline_description_sale(self):
        """Say on the cart and the invoice what the customer agrees to."""
        return "\n".join([super()._get_sale_order_line_multiline_description_sale(),
                          *self._subscription_sentences()])

    @api.depends("subscription_price_id", "subscription_trial_days")
    def _compute_price_unit(self):
        """Leave the price of a confirmed plan as it was agreed."""
        agreed = self.filtered(lambda line: line.subscription_price_id and line._is_agreed())
        return super(SaleOrderLine, self - agreed)._compute_price_unit()

    def _get_display_price(self):
        """Return the price of the cycle; nothing today when the subscription starts by a trial."""
        self.ensure_one()
        if self.is_setup_fee:
            return self.linked_line_id.subscription_setup_fee
        if not self.subscription_price_id:
            return super()._get_display_price()
        if self.subscription_trial_days:  # nothing is due today
            return 0.0
        # sudo: see _subscription_plan
        return self.subscription_price_id.sudo()._amount_on(fields.Date.context_today(self))

    @api.model_create_multi
    def create(self, vals_list):
        """Add the setup fee of each plan."""
        self._keep_typed_prices(vals_list)
        lines = super().create(vals_list)
        lines.order_id.order_line._refresh_plans()
        added = lines.filtered(lambda line: line.subscription_price_id and line.state == "sale")
        added._settle_subscription_terms()  # as at the confirmation, which is past
        added._create_subscriptions()
        return lines

    def _keep_typed_prices(self, vals_list):
        """Let a price that a program gives for a plan stand, as one that staff type in the form.

        Odoo takes it for its own, and computes it anew when what it depends on changes.
        """
        products = self.env["product.product"].browse(
            vals["product_id"] for vals in vals_list
            if vals.get("product_id") and "price_unit" in vals)
        plans = set(products.filtered(
            lambda product: product.service_tracking == "subscription").ids)
        for vals in vals_list:
            if "price_unit" in vals and vals.get("product_id") in plans:
                vals.setdefault("technical_price_unit", -1.0)

    def _gives_down_payment_back(self):
        """Give back what was paid ahead of a subscription, but where it is kept by the policy
        agreed."""
        # sudo: sales staff need no right on subscriptions
        subscription = self.sudo().subscription_ids or self.sudo().linked_line_id.subscription_ids
        if not subscription:
            return super()._gives_down_payment_back()
        return all(each.cancel_policy != "none" for each in subscription)

    def write(self, vals):
        """Keep the setup fee in step with the cycle."""
        self._check_agreed_terms(vals)
        result = super().write(vals)
        if "subscription_price_id" in vals:
            self.order_id.order_line._refresh_plans()
        return result

    def unlink(self):
        """Waive a setup fee taken off a draft order; let a trial pass on to another line."""
        for fee in self.filtered("is_setup_fee"):
            if not fee.linked_line_id._starts_by_trial():
                as_engine(fee.linked_line_id).subscription_setup_fee = 0.0
        orders = self.order_id
        result = super().unlink()
        orders.order_line._refresh_plans()
        return result

    def _refresh_plans(self):
        """Look again which line starts by the trial, and what is charged beside each plan."""
        for line in self.filtered(lambda line: line.subscription_price_id):
            days = line._trial_days_on_offer()
            if not line._is_agreed() and line.subscription_trial_days != days:
                as_engine(line).subscription_trial_days = days
        self._sync_setup_fees()

    def _check_agreed_terms(self, vals):
        """Refuse to change the terms of a line whose subscription is running.

        :raise UserError: what a running subscription was agreed at would be changed
        """
        for line in self if vals.keys() & set(AGREED) else ():
            # sudo: sales staff need no right on subscriptions to be told of them
            running = line.sudo().subscription_ids.filtered(
                lambda subscription: subscription.state in subscription._LIVE_STATES)
            changed = [name for name in AGREED if name in vals and running and (
                line._fields[name].convert_to_write(line[name], line) != vals[name])]
            if changed:
                labels = line.fields_get(changed, ["string"])
                raise UserError(self.env._(
                    "%(subscription)s runs as agreed on %(order)s. Change the subscription "
                    "itself; on the order, these stay: %(fields)s.",
                    subscription=running[0].name, order=line.order_id.name,
                    fields=", ".join(labels[name]["string"] for name in changed)))

    def _sync_setup_fees(self):
        """Keep one line for the setup fee beside each line of a plan that has one."""
        # sudo: visitors and sales staff need no right on plans and subscriptions
        for line in self.filtered(lambda line: not line.is_setup_fee and line.state != "cancel"
                                  and not line.sudo().subscription_ids):
            price = line.subscription_price_id.sudo()
            # A trial owes nothing today: its fee is on the first invoice.
            due = price and line.subscription_setup_fee and not line._starts_by_trial()
            fees = line.linked_line_ids.filtered("is_setup_fee")
            if fees and due:
                fees._compute_price_unit()  # unless another one was typed
            elif fees:
                fees.unlink()
            elif due:
                as_engine(line).create(line._prepare_setup_fee_vals(price))

    def _prepare_setup_fee_vals(self, price):
        """Prepare the setup fee that the plan asks for."""
        self.ensure_one()
        return {
            "order_id": self.order_id.id, "linked_line_id": self.id, "is_setup_fee": True,
            "product_id": price.plan_id.setup_product_id.id, "product_uom_qty": 1,
            "sequence": self.sequence,
        }

    def _settle_subscription_terms(self):
        """Decide, as the order is confirmed, what each plan on it starts with.

        A trial that the customer has begun meanwhile, by another order, cart or tab, is not given
        again: the line is billed in full, its setup fee included.

        :raise UserError: a plan would be free of charge for no reason
        """
        plans = self.filtered(lambda line: line.subscription_price_id and line.product_uom_qty > 0)
        trials, claimed = plans.filtered(lambda line: line._starts_by_trial()), set()
        trials._lock_customers()
        for line in trials:
            plan = line.subscription_price_id.sudo().plan_id  # sudo: see _subscription_plan
            claim = (line.order_id.partner_id.commercial_partner_id, plan.family_id)
            if claim in claimed or not plan._trial_available(line.order_id.partner_id):
                as_engine(line).subscription_trial_days = 0
            claimed.add(claim)
        self._sync_setup_fees()
        for line in plans.filtered(lambda line: not line._starts_by_trial()):
            # sudo: see _subscription_plan
            amount = line.subscription_price_id.sudo()._amount_on(fields.Date.context_today(line))
            if not line.price_subtotal and line.discount < 100 and amount:
                raise UserError(self.env._(
                    "“%(plan)s” costs nothing on %(order)s. Type its price, or a discount of "
                    "100 %% to give it away.", plan=line.product_id.display_name,
                    order=line.order_id.name))

    def _check_plans_on_offer(self):
        """Compare the plans of a cart with what is on offer at this moment.

        :raise ValidationError: a price, a trial or a plan has changed since it was shown
        """
        for line in self.filtered("subscription_price_id"):
            price = line.subscription_price_id.sudo()  # sudo: see _subscription_plan
            if not (price.active and price.plan_id.sale_ok and price.plan_id.is_published):
                raise ValidationError(self.env._(
                    "“%(plan)s” is no longer on sale. Take it out of the cart.",
                    plan=price.plan_id.name))
            offer = line._subscription_terms_on_offer()
            now = line._price_for_customer(line._get_display_price())
            if (line.subscription_trial_days != line._trial_days_on_offer()
                    or any(line[name] != value for name, value in offer.items())
                    or line.currency_id.compare_amounts(line.price_unit, now)):
                raise ValidationError(self.env._(
                    "The price of “%(plan)s” has changed since it was put in the cart. Reload "
                    "the page to see what it is now.", plan=price.plan_id.name))

    def _lock_customers(self):
        """Make two confirmations of one customer follow each other: the second is tried again by
        Odoo, and then sees the trial of the first."""
        if customers := self.order_id.partner_id.commercial_partner_id:
            self.env.cr.execute(SQL(
                "UPDATE res_partner SET write_date = write_date WHERE id IN %s",
                customers._ids))

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
            if subscription.sale_line_id._is_given_by_promotion():
                subscription.end_date = subscription._end_of_first_period()
            subscription._start()
        return subscriptions

    def _prepare_subscription_vals(self):
        """Prepare the subscription that the line sells."""
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
            "unit_price": self._subscription_unit_price(),
            "discount": 0.0 if self._is_given_by_promotion() else self.discount,
            "trial_days": self.subscription_trial_days if self._starts_by_trial() else 0,
            "commitment_months": self.subscription_commitment_months,
            "setup_fee": self.subscription_setup_fee if self._starts_by_trial() else 0.0,
            "sale_line_id": self.id,
        }

    def _subscription_unit_price(self):
        """Return the price agreed for each period, in the terms of the price on offer.

        The line has it as the customer's taxes make it: an included tax that they do not pay is
        taken off there, and at each renewal again.
        """
        self.ensure_one()
        on_offer = self.subscription_price_id._amount_on(fields.Date.context_today(self))
        if self._starts_by_trial() or self._is_given_by_promotion():
            return on_offer
        mapped = self._price_for_customer(on_offer)
        if not self.currency_id.compare_amounts(mapped, on_offer):
            return self.price_unit
        return self.price_unit * on_offer / mapped

    def _price_for_customer(self, price):
        """Return a unit price on offer as the customer's taxes make it."""
        self.ensure_one()
        line = self.with_company(self.company_id)
        return line.product_id._get_tax_included_unit_price_from_price(
            price, fiscal_position=line.order_id.fiscal_position_id,
            product_taxes=line.product_id.taxes_id._filter_taxes_by_company(line.company_id))

    def _prepare_invoice_line(self, **optional_values):
        """Let the order's invoice bill the first period of the subscription."""
        values = super()._prepare_invoice_line(**optional_values)
        # sudo: sales staff need no right on periods to invoice the order
        line = self.sudo()
        sold = line.linked_line_id if line.is_setup_fee else line
        period = sold.subscription_ids.period_ids.filtered(
            lambda period: period.state == "to_invoice")[:1]
        if period:
            values.update(
                subscription_period_id=period.id, is_subscription_extra=line.is_setup_fee)
            if not line.is_setup_fee:
                # The period billed is named (CGI, annex II, art. 242 nonies A, I, 10°).
                dates = period.with_context(lang=line.order_id.partner_id.lang)._dates_label()
                values["name"] = f"{values['name']}\n{dates}"
        return values
