from odoo import api, fields, models
from odoo.exceptions import ValidationError


class QuotaOverride(models.Model):
    """A limit other than the plan's, for one subscription or for all those of a customer."""

    _name = "quota.override"
    _description = "Limit of a Customer"
    _order = "date_from desc, id desc"

    subscription_id = fields.Many2one(
        "subscription.subscription", index="btree_not_null", ondelete="cascade")
    partner_id = fields.Many2one(
        "res.partner", string="Customer", index="btree_not_null", ondelete="cascade",
        domain="[('parent_id', '=', False)]", help="For all the customer's subscriptions.")
    company_id = fields.Many2one(
        "res.company", required=True, compute="_compute_company_id", store=True, readonly=False,
        precompute=True)
    metric_id = fields.Many2one("quota.metric", required=True, index=True, ondelete="restrict")
    limit_value = fields.Integer(
        string="Limit", help="In place of the plan's, whatever the number of units subscribed.")
    unlimited = fields.Boolean()
    date_from = fields.Date(
        string="From", required=True, default=fields.Date.context_today,
        help="First day, where the customer lives.")
    date_to = fields.Date(string="To", help="Last day; empty: until further notice.")
    reason = fields.Char(required=True)
    user_id = fields.Many2one(
        "res.users", string="Author", readonly=True, engine=True, default=lambda self: self.env.uid)

    _one_owner = models.Constraint(
        "CHECK((subscription_id IS NULL) <> (partner_id IS NULL))",
        "A limit is for a subscription, or for all those of a customer: choose one of them.")
    _not_negative = models.Constraint(
        "CHECK(limit_value >= 0)", "A limit cannot be negative.")
    _dates_in_order = models.Constraint(
        "CHECK(date_to IS NULL OR date_to >= date_from)", "The last day comes after the first.")
    # Ranges of one number stand for equality: no extension of PostgreSQL is needed.
    _one_a_day = models.Constraint(
        "EXCLUDE USING gist (int4range(metric_id, metric_id, '[]') WITH &&,"
        " int4range(subscription_id, subscription_id, '[]') WITH &&,"
        " daterange(date_from, date_to, '[]') WITH &&) WHERE (subscription_id IS NOT NULL)",
        "The subscription already has a limit for this metric on these days. End it first.")
    _one_a_day_of_customer = models.Constraint(
        "EXCLUDE USING gist (int4range(metric_id, metric_id, '[]') WITH &&,"
        " int4range(partner_id, partner_id, '[]') WITH &&,"
        " int4range(company_id, company_id, '[]') WITH &&,"
        " daterange(date_from, date_to, '[]') WITH &&) WHERE (partner_id IS NOT NULL)",
        "The customer already has a limit for this metric on these days. End it first.")

    @api.depends("subscription_id")
    def _compute_company_id(self):
        for override in self:
            override.company_id = (
                override.subscription_id.company_id or override.company_id or self.env.company)

    @api.depends("metric_id.name", "subscription_id.name", "partner_id.name")
    def _compute_display_name(self):
        for override in self:
            owner = override.subscription_id.name or override.partner_id.name or ""
            override.display_name = f"{override.metric_id.name} – {owner}"

    @api.constrains("partner_id")
    def _check_commercial_partner(self):
        """Refuse a contact of a company: subscriptions are looked up by the company that pays
        them.
        """
        for override in self:
            owner = override.partner_id.commercial_partner_id
            if override.partner_id != owner:
                raise ValidationError(self.env._(
                    "%(contact)s is a contact of %(company)s. Give the limit to the company.",
                    contact=override.partner_id.name, company=owner.name))

    @api.constrains("company_id", "subscription_id")
    def _check_company_of_subscription(self):
        for override in self:
            company = override.subscription_id.company_id
            if company and company != override.company_id:
                raise ValidationError(self.env._(
                    "%(subscription)s belongs to %(company)s.",
                    subscription=override.subscription_id.name, company=company.name))
