from odoo import api, fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    subscription_ids = fields.One2many(
        "subscription.subscription", "commercial_partner_id", string="Subscriptions",
        help="Of a commercial entity.")
    charge_bound = fields.Float(
        string="Tell managers of charges above", digits="Product Price",
        help="The managers of the company are told a day before a saved means of payment is "
        "charged more than this. 0: more than twice the invoice before.")
    subscription_count = fields.Integer(compute="_compute_subscription_count")
    unpaid_period_count = fields.Integer(
        compute="_compute_unpaid_periods", groups="base.group_user")
    unpaid_sentence = fields.Text(
        compute="_compute_unpaid_periods", groups="base.group_user",
        help="What the customer is chased for, and what comes next.")

    _charge_bound_not_negative = models.Constraint(
        "CHECK(charge_bound >= 0)", "A bound of charges is an amount of 0 or more.")

    def _compute_subscription_count(self):
        owners = self.commercial_partner_id
        counts = dict(self.env["subscription.subscription"]._read_group(
            [("commercial_partner_id", "in", owners.ids), ("state", "not in", ["draft", "ended"])],
            ["commercial_partner_id"], ["__count"]))
        for partner in self:
            partner.subscription_count = counts.get(partner.commercial_partner_id, 0)

    def _compute_unpaid_periods(self):
        periods = chased = self.env["subscription.period"]
        if periods.has_access("read"):  # other staff see the contact all the same
            chased = periods.search([*periods._chased_domain(), (
                "subscription_id.commercial_partner_id", "in", self.commercial_partner_id.ids)])
        of = chased.grouped(lambda period: period.subscription_id.commercial_partner_id)
        for partner in self:
            own = of.get(partner.commercial_partner_id, periods)
            partner.unpaid_period_count = len(own)
            partner.unpaid_sentence = own.sorted("date_start")._chased_sentences()

    def action_view_unpaid(self):
        """Open what the customer is chased for."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_billing.dunning_period_action")
        return {**action, "domain": [*self.env["subscription.period"]._chased_domain(), (
            "subscription_id.commercial_partner_id", "=", self.commercial_partner_id.id)]}

    def action_view_subscriptions(self):
        """Open the subscriptions of the customer."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_billing.subscription_action")
        return {**action, "context": {"default_partner_id": self.id}, "domain": [
            ("commercial_partner_id", "=", self.commercial_partner_id.id)]}

    def write(self, vals):
        """Refuse to archive a customer whose subscriptions are not over."""
        if vals.get("active") is False:
            self._check_no_live_subscription()
        return super().write(vals)

    def _hand_over_duties(self):
        """Leave subscriptions to the company, whose contact is gone."""
        result = super()._hand_over_duties()
        # sudo: whoever may move or archive the contact
        held = self.env["subscription.subscription"].sudo().search(
            [("partner_id", "in", self.ids)])
        for company, subscriptions in held.grouped("commercial_partner_id").items():
            subscriptions.filtered(
                lambda subscription, company=company: subscription.partner_id != company
            ).partner_id = company
        return result

    def _may_keep_card(self, subscription):
        """Tell whether a card that this person has saved may pay the renewals."""
        return self == subscription.partner_id or self._may(
            "bill", subscription.commercial_partner_id)

    def _check_no_live_subscription(self):
        """Refuse to archive whoever is billed each period.

        :raise UserError: names the subscriptions to cancel first
        """
        subscriptions = self.env["subscription.subscription"]
        subscriptions._refuse_while(
            [("state", "in", subscriptions._LIVE_STATES), *self._of_subscriptions()],
            self.env._("%(customer)s has subscriptions. Cancel them, give them another invoice "
                       "address, or merge the contact with the one that takes them over, first.",
                       customer=self[:1].display_name))

    def _of_subscriptions(self):
        return ["|", "|", ("partner_id", "in", self.ids), ("commercial_partner_id", "in", self.ids),
                ("partner_invoice_id", "in", self.ids)]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_subscriber(self):
        """Refuse to delete a customer who has subscriptions.

        :raise UserError: names the subscriptions
        """
        self.env["subscription.subscription"]._refuse_while(
            self._of_subscriptions(),
            self.env._("%(customer)s has subscriptions, whose history stays. Archive the contact "
                       "once they are over.", customer=self[:1].display_name))
