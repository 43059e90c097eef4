from odoo import api, fields, models

from odoo.addons.concurrency_base.tools import withdraw_products


class ProductTemplate(models.Model):
    _inherit = "product.template"

    service_tracking = fields.Selection(
        selection_add=[("credit_pack", "Credits in the customer's wallet")],
        ondelete={"credit_pack": withdraw_products})
    credit_count = fields.Integer(
        string="Credits in the pack", help="Whole credits that one pack adds to the wallet.")
    credit_validity_months = fields.Integer(
        string="Validity (months)", help="Months the credits can be used; 0: no expiry.")

    _pack_has_credits = models.Constraint(
        "CHECK(service_tracking <> 'credit_pack' OR credit_count > 0)",
        "A pack of credits holds at least one credit: set a whole number above zero.")
    _validity_not_negative = models.Constraint(
        "CHECK(credit_validity_months >= 0)",
        "The validity of a pack is a number of months, or 0 for no expiry.")

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sold_packs(self):
        self.product_variant_ids._unlink_except_sold_packs()

    @api.model
    def _get_saleable_tracking_types(self):
        return super()._get_saleable_tracking_types() + ["credit_pack"]

    @api.model
    def _service_offers(self):
        """Add packs of credits."""
        return [*super()._service_offers(), "credit_pack"]

    @api.model
    def _service_offer_defaults(self):
        """Invoice what is ordered: it is paid before it is used."""
        return {**super()._service_offer_defaults(), "invoice_policy": "order"}

    def _prepare_service_tracking_tooltip(self):
        if self.service_tracking == "credit_pack":
            return self.env._("The credits land in the wallet once the invoice is paid.")
        return super()._prepare_service_tracking_tooltip()

    def _get_product_accounts(self):
        """Return the pending account as income of packs: the price is owed until they are used."""
        accounts = super()._get_product_accounts()
        if self.service_tracking == "credit_pack":
            company = self.company_id or self.env.company
            accounts["income"] = company.credit_pending_account_id or accounts["income"]
        return accounts

    def _service_problems(self, company):
        """Add what is no pack and is sold on an account of credits."""
        problems = super()._service_problems(company)
        if self.type != "service" or self.service_tracking == "credit_pack":
            return problems
        # sudo: which accounts there are, for whoever keeps the product
        company, product = company.sudo(), self.sudo().with_company(company)
        account = product._get_product_accounts()["income"]
        if account and account in (
                company.credit_deferred_account_id | company.credit_pending_account_id):
            problems.append(self.env._(
                "“%(account)s” is kept by the ledger of credits, and an invoice of the product "
                "would be refused or wait there for ever. Take “%(service_account)s”.",
                account=company._service_account_label(account),
                service_account=company._service_account_label(company._service_own_account())))
        return problems

    @api.model
    def _apply_taxes_to_price(
            self, price, currency, product_taxes, taxes, product_or_template, website=None):
        """Show a multi-purpose voucher in the shop at the price of its order line: untaxed."""
        is_variant = product_or_template._name == "product.product"
        template = product_or_template.product_tmpl_id if is_variant else product_or_template
        if template._credit_is_untaxed_pack():
            taxes = taxes.browse()
        return super()._apply_taxes_to_price(
            price, currency, product_taxes, taxes, product_or_template, website=website)

    def _credit_is_untaxed_pack(self):
        """Tell whether it is a pack sold as a multi-purpose voucher, taxed with the booking."""
        self.ensure_one()
        company = self.company_id or self.env.company
        return (self.service_tracking == "credit_pack"
                and company.credit_voucher_kind == "multi")

    def _credit_pack_terms(self):
        """Return what a pack of credits offers today, for the line that sells it to store.

        :return: dict of ``credit_count``, ``credit_validity_months`` and
            ``credit_voucher_kind``; zero and False for a product that is no pack
        """
        is_pack = self.service_tracking == "credit_pack"
        return {
            "credit_count": is_pack and self.credit_count,
            "credit_validity_months": is_pack and self.credit_validity_months,
            "credit_voucher_kind": is_pack and (
                "multi" if self._credit_is_untaxed_pack() else "single"),
        }

    def _credit_price_per_credit(self, price):
        """Compute the price of one credit from a displayed price: same currency and taxes."""
        self.ensure_one()
        return price / self.credit_count if self.credit_count else 0.0
