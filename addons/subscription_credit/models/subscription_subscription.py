from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date

from odoo.addons.credit_wallet.models.credit_wallet import MAX_CREDITS
from odoo.addons.subscription_billing.tools import proration

LEDGER_GROUPS = (
    "credit_wallet.group_credit_user,account.group_account_readonly,"
    "account.group_account_invoice")
CREDIT_TERMS = frozenset((
    "granted_credits", "credit_rollover", "credit_validity_months", "trial_credits"))


class SubscriptionSubscription(models.Model):
    """A subscription and the credits agreed for each of its periods."""

    _name = "subscription.subscription"
    _inherit = ["subscription.subscription", "credit.validity.mixin"]

    granted_credits = fields.Integer(
        string="Credits each period", compute="_compute_terms_at_start", store=True,
        readonly=False, precompute=True, tracking=True,
        help="Of one unit for the interval, as agreed with this customer.")
    credit_rollover = fields.Boolean(
        string="Unused credits roll over", compute="_compute_terms_at_start", store=True,
        readonly=False, precompute=True, tracking=True,
        help="Otherwise they expire with the last day of their period.")
    credit_validity_months = fields.Integer(
        string="Credits valid (months)", compute="_compute_terms_at_start", store=True,
        readonly=False, precompute=True, tracking=True,
        help="From their grant, when they roll over; 0: no expiry.")
    trial_credits = fields.Integer(
        string="Credits of the trial", compute="_compute_terms_at_start", store=True,
        readonly=False, precompute=True)
    credits_granted = fields.Integer(
        compute="_compute_credits_granted", groups=LEDGER_GROUPS,
        help="Credits that the periods of the subscription have added to the wallet.")

    _agreed_credits_in_range = models.Constraint(
        "CHECK(granted_credits BETWEEN 0 AND 100000 AND trial_credits BETWEEN 0 AND 100000"
        " AND credit_validity_months >= 0)",
        "A period grants a whole number of credits: 0 for none, at most 100,000.")

    def _compute_credits_granted(self):
        totals = dict.fromkeys(self.ids, 0)
        for entry in self._credit_entries():
            totals[entry.subscription_period_id.subscription_id.id] += entry.credits
        for subscription in self:
            subscription.credits_granted = totals.get(subscription.id, 0)

    def _credit_entries(self):
        """Find the ledger entries that granted credits of these subscriptions.

        sudo: users who may read the ledger and the subscription need no right on its periods.
        """
        return self.env["credit.entry"].sudo().search(
            [("subscription_period_id.subscription_id", "in", self.ids)])

    @api.constrains("price_id", "granted_credits", "quantity")
    def _check_credits_of_a_period(self):
        for subscription in self:
            if subscription.granted_credits * subscription.quantity > MAX_CREDITS:
                raise ValidationError(self.env._(
                    "%(quantity)s × “%(price)s” would grant more than %(maximum)s credits a "
                    "period. Lower the quantity.", quantity=subscription.quantity,
                    price=subscription.price_id.display_name, maximum=MAX_CREDITS))

    def action_view_credits(self):
        """Open the ledger entries that granted credits of the subscription."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "credit_wallet.credit_entry_action")
        entries = self._credit_entries().sudo(False)._filtered_access("read")
        return {**action, "context": {}, "domain": [("id", "in", entries.ids)]}

    # What was agreed ---------------------------------------------------------------------------

    @api.model
    def _by_hand(self):
        """Let staff agree upon the credits, too."""
        return super()._by_hand() | CREDIT_TERMS

    @api.model
    def _by_manager(self):
        """Leave the credits to managers, as the price."""
        return super()._by_manager() | CREDIT_TERMS

    @api.model
    def _prepare_start_terms(self, price):
        """Agree upon the credits of the trial."""
        return {**super()._prepare_start_terms(price),
                "trial_credits": price.sudo().plan_id.trial_credits}  # sudo: on offer, hence public

    @api.model
    def _prepare_lasting_terms(self, price):
        """Agree upon the credits of each period, and how long they are valid."""
        price = price.sudo()  # sudo: what is on offer is public
        return {**super()._prepare_lasting_terms(price),
                "granted_credits": price.granted_credits,
                "credit_rollover": price.plan_id.credit_rollover,
                "credit_validity_months": price.plan_id.credit_validity_months}

    # Credits of a period ----------------------------------------------------------------------

    def _prepare_period_vals(self, kind="recurring", full=None, first=None, terms=None):
        """Fix what the stretch grants together with its price, whatever becomes of the plan."""
        vals = super()._prepare_period_vals(kind, full, first, terms)
        plan = self.env["subscription.plan"].browse(vals["plan_id"])
        agreed = self._lasting_terms(self.env["subscription.plan.price"].browse(vals["price_id"]))
        return {**vals, "credit_share": plan.credit_share,
                "credit_rollover": agreed["credit_rollover"],
                "credit_validity_months": agreed["credit_validity_months"],
                "credit_count": self._credits_of_stretch(vals, agreed["granted_credits"])}

    def _credits_of_stretch(self, vals, credits):
        """Return the whole credits of a stretch: its share, by the day, of the period's.

        Shares are taken of the running total, as prices are, so the stretches of a period that
        all have the same terms grant its credits together, whatever the cuts.

        :param dict vals: see :meth:`_prepare_period_vals`
        :param int credits: of one unit for the whole period
        """
        if vals["kind"] == "trial":
            # For one unit however many are subscribed: what nobody pays is not multiplied.
            return self.trial_credits
        if vals["kind"] in ("pause", "usage"):
            return 0
        return int(proration.price_of(
            credits * vals["quantity"], vals["full_start"], vals["full_end"],
            vals["date_start"], vals["date_end"], 1))

    def _create_free_period(self, kind, first, last):
        """Grant the credits of a trial as it begins."""
        result = super()._create_free_period(kind, first, last)
        self._credit_grant_free()
        return result

    def _await_order_invoice(self):
        """Grant the credits of a first period that the order gives away as it begins."""
        result = super()._await_order_invoice()
        self._credit_grant_free()
        return result

    def _credit_grant_free(self):
        # sudo: the credits follow from the contract, whoever started it
        self.sudo().period_ids.filtered(lambda period: period.state == "free")._credit_grant()

    # Taxes ------------------------------------------------------------------------------------

    def _product_taxes(self, product, position):
        """Charge no VAT on a multi-purpose voucher: each booking bears its own."""
        if product.product_tmpl_id._credit_is_untaxed_pack():
            none = self.env["account.tax"]
            return none, none
        return super()._product_taxes(product, position)

    # What the customer is told ----------------------------------------------------------------

    def _preview_now(self, terms, price):
        """Show beside the amounts the credits that the change takes back, and those it grants."""
        preview = super()._preview_now(terms, price)
        today = self._today()
        period = self._period_on(today)
        row = self._new_period(self._prepare_change_row(terms, price, today))
        return {**preview, "credits_granted": row.credit_count if row._charge_amount() else 0,
                "credits_taken": period._credits_if_cut(today) if period else 0}

    def _credits_sentence(self):
        """Say « 10 crédits par mois, à utiliser jusqu'au 28/02/2027 » in the portal; empty without
        credits.
        """
        self.ensure_one()
        if self.state not in self._SERVED_STATES:
            return ""
        period = self._period_on(self._today())
        validity = self._credit_validity(period.last_day)
        label = self.env["credit.wallet"]._credits_label
        if self.state == "trial":
            credits = self.trial_credits
            return credits and self.env._(
                "%(credits)s for the trial, %(validity)s", credits=label(credits),
                validity=validity)
        credits = self.granted_credits * self.quantity
        return credits and self.env._(
            "%(credits)s %(interval)s, %(validity)s", credits=label(credits),
            interval=self.price_id._interval_label(), validity=validity)

    def _credit_validity(self, last_day):
        """Say until when credits of the period that ends on `last_day` are valid."""
        if self.credit_rollover or not last_day:
            return self._credit_validity_label()
        return self.env._("valid until %(date)s", date=format_date(self.env, last_day))
