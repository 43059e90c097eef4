from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..tools.feedback import say

CANCEL_POLICIES = [
    ("none", "Keep what was paid"),
    ("prorated", "Credit the days left"),
    ("full", "Credit the whole current period"),
]

UPGRADE_POLICIES = [
    ("take_back", "At once; back to the former plan when the payment is refused"),
    ("wait", "When it is paid"),
    ("keep", "At once; an unpaid invoice is chased"),
]


class SubscriptionPlan(models.Model):
    """What is sold again each period: Starter, Pro, Scale. Sold as a service product.

    The plan is today's offer. What is agreed is kept by the subscription from its start, or from
    the change to one of the prices, and is never read from the plan again: price, trial and
    whether it ends without card, commitment, setup fee, what is given back at a cancellation and
    the days to pay; by the change, what becomes of an upgrade that is not paid.

    Deliberately live, for every subscriber alike: name, description and taxes, which invoices take
    as they are on their day; the family, which is what may be changed to; the setup service, which
    says how a fee is booked; reminders and dunning, which are how the seller works.
    """

    _name = "subscription.plan"
    _description = "Subscription Plan"
    _inherits = {"product.template": "product_tmpl_id"}
    _inherit = ["mail.thread"]
    _order = "sequence, id"

    product_tmpl_id = fields.Many2one(
        "product.template", string="Service", required=True, ondelete="restrict", index=True,
        help="The service sold on orders and invoices.")
    family_id = fields.Many2one(
        "subscription.family", ondelete="restrict", index="btree_not_null",
        help="Customers change between plans of one family, and try one of them once.")
    price_ids = fields.One2many("subscription.plan.price", "plan_id", string="Prices", copy=True)
    trial_days = fields.Integer(help="Days free of charge at the start; 0: no trial.")
    trial_needs_card = fields.Boolean(
        string="Trial ends without card",
        help="A trial without a saved means of payment ends; otherwise it becomes a "
        "subscription and the first invoice is sent.")
    commitment_months = fields.Integer(
        string="Commitment (months)", help="Months before the customer can leave; 0: none.")
    reminder_days = fields.Integer(
        string="Reminder (days)", default=7,
        help="Days before the renewal, or the end of the trial, at which the customer is told; "
        "0: never.")
    cancel_policy = fields.Selection(
        CANCEL_POLICIES, string="When cancelled at once", required=True, default="prorated",
        help="Of new subscriptions; those that run keep what was agreed.")
    upgrade_policy = fields.Selection(
        UPGRADE_POLICIES, string="Upgrades to it apply", required=True, default="take_back",
        help="What a customer has who changes to this plan at once and owes more: with “When it "
        "is paid”, the former plan is served until then, and stays when the payment is refused "
        "or does not come in time.")
    payment_term_id = fields.Many2one(
        "account.payment.term", string="Payment term", ondelete="restrict",
        default=lambda self: self.env.ref(
            "account.account_payment_term_30days", raise_if_not_found=False),
        help="Of customers who pay each invoice and have no term of their own; reminders and "
        "dunning are counted from the due date. A saved card is charged at once.")
    setup_product_id = fields.Many2one(
        "product.product", string="Setup service", required=True, ondelete="restrict",
        default=lambda self: self.env.ref("subscription_billing.product_setup"),
        help="What setup fees are sold as.")
    dunning_policy_id = fields.Many2one(
        "dunning.policy", string="Dunning", ondelete="restrict", index="btree_not_null",
        default=lambda self: self.env.ref(
            "subscription_billing.dunning_policy_default", raise_if_not_found=False),
        help="What happens while an invoice stays unpaid; empty: the first reminder only.")
    subscription_ids = fields.One2many(
        "subscription.subscription", "plan_id", string="Subscriptions")
    live_count = fields.Integer(compute="_compute_live_count", string="Live subscriptions")

    _product_unique = models.Constraint(
        "UNIQUE(product_tmpl_id)", "This service is already the service of a plan.")
    _days_not_negative = models.Constraint(
        "CHECK(trial_days >= 0 AND commitment_months >= 0 AND reminder_days >= 0)",
        "Days and months of a plan are whole numbers, 0 for none.")

    @api.depends("subscription_ids.state")
    def _compute_live_count(self):
        counts = dict(self.env["subscription.subscription"]._read_group(
            [("plan_id", "in", self.ids), ("state", "in", self._live_states())],
            ["plan_id"], ["__count"]))
        for plan in self:
            plan.live_count = counts.get(plan, 0)

    @api.model
    def _live_states(self):
        return self.env["subscription.subscription"]._LIVE_STATES

    @api.model
    def default_get(self, fields):
        """Give a new plan what a service that starts a subscription bears."""
        plan = self.with_context(
            default_type="service", default_service_tracking="subscription")
        return super(SubscriptionPlan, plan).default_get(fields)

    @api.model_create_multi
    def create(self, vals_list):
        """Make the product of a plan a service that starts a subscription, and give the plan a
        family.
        """
        for vals in vals_list:
            vals.setdefault("type", "service")
            vals.setdefault("invoice_policy", "order")
            vals.setdefault("service_tracking", "subscription")
        plans = super().create(vals_list)
        plans.filtered(lambda plan: not plan.family_id)._make_own_family()
        return plans

    def _make_own_family(self):
        """Give a plan of no family one of its own: its trial is once for each customer, too."""
        for plan in self:
            family = self.env["subscription.family"].search([("name", "=", plan.name)], limit=1)
            plan.family_id = family or family.create({"name": plan.name})

    def unlink(self):
        """Delete plans; those that were sold are archived instead, and the user is told.

        What was sold keeps its history (agency case 7).

        :raise UserError: names the subscriptions to cancel first
        """
        self._check_no_live_subscription()
        kept = self.filtered(lambda plan: plan._is_sold())
        result = super(SubscriptionPlan, self - kept).unlink()
        kept._archive_with_history()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sold(self):
        # Deleted by the database with their plan: its prices are asked here.
        self.with_context(active_test=False).price_ids._unlink_except_sold()

    def _is_sold(self):
        """Tell whether somebody subscribed to the plan, or was offered it, by now."""
        self.ensure_one()
        return self.with_context(active_test=False).price_ids._is_sold()

    def _archive_with_history(self):
        """Archive plans that are over instead of deleting them, and say so."""
        for plan in self:
            # sudo: whoever may delete it need not edit the website
            plan.sudo().write({"active": False, "is_published": False})
            sentence = self.env._(
                "“%(plan)s” is archived instead of deleted: it was sold, and its subscriptions and "
                "invoices stay.", plan=plan.name)
            plan.message_post(body=sentence)
            self.env.user._bus_send("simple_notification", {
                "type": "info", "title": "", "message": sentence, "sticky": True})

    def _check_no_live_subscription(self):
        """Refuse to delete a service people pay for, or will after a planned change.

        Agency case 7. To sell it no more, unpublish it: nothing changes for those who have it.

        :raise UserError: names the subscriptions to cancel first
        """
        self._refuse_while_live(self.env._(
            "You cannot delete a service with active subscriptions. Please cancel all "
            "subscriptions first."))

    def _check_can_be_archived(self):
        """Refuse to archive a service people pay for; see :meth:`_check_no_live_subscription`.

        :raise UserError: names the softer way, and the subscriptions
        """
        self._refuse_while_live(self.env._(
            "“%(plan)s” cannot be archived while people subscribe to it. To sell it no more, "
            "withdraw it from sale: nothing changes for those who have it. To archive it, cancel "
            "their subscriptions first.", plan=self[:1].name))

    def _refuse_while_live(self, sentence):
        if not self:
            return
        self.env["subscription.subscription"]._refuse_while(
            [("state", "in", self._live_states()), "|", ("plan_id", "in", self.ids),
             ("change_ids", "any", [("state", "=", "scheduled"),
                                    ("price_id.plan_id", "in", self.ids)])], sentence)

    def action_withdraw_from_sale(self):
        """Sell the plans no more; nothing changes for those who have them."""
        self.check_access("write")
        self.sudo().is_published = False  # sudo: whoever manages plans need not edit the website
        return say(self.env._(
            "Withdrawn from sale: %(plans)s. Nothing changes for those who have it.",
            plans=", ".join(self.mapped("name"))))

    def _price_in(self, currency, unit=None, count=None):
        """Find the price in a currency, of an interval when one is asked for.

        :raise UserError: the plan has no such price
        """
        self.ensure_one()
        prices = self.price_ids.filtered(
            lambda price: price.active and price.currency_id == currency
            and (not unit or (price.interval_unit, price.interval_count) == (unit, count or 1)))
        if not prices:
            raise UserError(self.env._(
                "“%(plan)s” has no price in %(currency)s. Add one on the plan, or choose "
                "another currency.", plan=self.name, currency=currency.name))
        return prices[0]

    def action_repair_service(self):
        """Put the taxes and the account of the plan's service right."""
        return self.product_tmpl_id.action_repair_service()

    def action_view_subscriptions(self):
        """Open the subscriptions to the plan."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_billing.subscription_action")
        return {**action, "domain": [("plan_id", "=", self.id)],
                "context": {"default_plan_id": self.id}}

    def _trial_available(self, partner):
        """Tell whether this customer may still try a plan of the family."""
        self.ensure_one()
        customer = partner.commercial_partner_id
        same = Domain("commercial_partner_id", "=", customer.id)
        if customer.email_normalized:
            same |= Domain("commercial_partner_id.email_normalized", "=", customer.email_normalized)
        # sudo: only a yes or no about the customer's own past is told
        return not self.env["subscription.subscription"].sudo().search_count(
            same & Domain("trial_family_id", "=", self.family_id.id), limit=1)
