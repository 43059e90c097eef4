from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class ProductTemplate(models.Model):
    """Services: what is sold without a delivery, and what the books say of it.

    Odoo gives a new product the default taxes of the company, which are those of goods in the
    charts of France and Belgium, and the default account, which is 707.
    """

    _inherit = "product.template"

    is_service_offer = fields.Boolean(
        string="Offer of ours", compute="_compute_is_service_offer",
        help="It is an offer of an addon of ours: a pack, a plan, extra units.")
    service_problems = fields.Text(
        string="What would be wrong", compute="_compute_service_problems",
        help="What would be wrong on invoices of the service, and what to do about it.")

    @api.depends("service_tracking")
    def _compute_is_service_offer(self):
        offers = self._service_offers()
        for product in self:
            product.is_service_offer = product.service_tracking in offers

    @api.depends("type", "sale_ok", "purchase_ok", "taxes_id", "categ_id", "service_tracking",
                 "property_account_income_id", "company_id")
    @api.depends_context("allowed_company_ids", "lang")
    def _compute_service_problems(self):
        for product in self:
            companies = product.company_id or self.env.companies
            problems = {company: product._service_problems(company) for company in companies}
            product.service_problems = "\n".join(
                f"{company.name}: {text}" if len(companies) > 1 else text
                for company, texts in problems.items() for text in texts)

    # What we offer ----------------------------------------------------------------------------

    @api.model
    def _service_offers(self):
        """Return the values of ``service_tracking`` that make a product an offer of ours.

        Extension point. Such a product is a service, sold and not bought.

        :return: list of str
        """
        return []

    @api.model
    def _service_offer_defaults(self):
        """Return what a new offer is by default, beside its taxes. Extension point.

        :return: dict of values
        """
        # sudo: the category, for whoever makes the product; Odoo's own may have been deleted
        category = self.env.ref("product.product_category_services", raise_if_not_found=False)
        return {
            "purchase_ok": False, "supplier_taxes_id": [Command.clear()],
            **({"categ_id": category.id} if category else {})}

    @api.model
    def _service_defaults(self, tracking):
        """Return what a new service is by default.

        :param tracking: its ``service_tracking``, perhaps none
        :return: dict of values
        """
        companies = self.env.companies
        defaults = {
            "taxes_id": [Command.set(companies._service_sale_taxes().ids)],
            "supplier_taxes_id": [Command.set(companies._service_purchase_taxes().ids)]}
        if tracking in self._service_offers():
            defaults.update(self._service_offer_defaults())
        chosen = self.env["ir.default"]._get_model_defaults("product.template")
        return {
            name: value for name, value in defaults.items()
            if name not in chosen and f"default_{name}" not in self.env.context}

    @api.model
    def default_get(self, fields):
        """Give a form that is opened for a service the taxes of services."""
        defaults = super().default_get(fields)
        context = self.env.context
        tracking = defaults.get("service_tracking") or context.get("default_service_tracking")
        kind = defaults.get("type") or context.get("default_type")
        if tracking in self._service_offers():
            kind = "service"
        if kind != "service":
            return defaults
        service = {"type": kind, **self._service_defaults(tracking)}
        return {**defaults, **{name: service[name] for name in fields if name in service}}

    @api.model
    def _service_complete(self, vals):
        """Return the values of a new product with what services bear, where nothing is said.

        An offer of ours is a service, whatever an import says.
        """
        context = self.env.context
        tracking = vals.get("service_tracking") or context.get("default_service_tracking")
        if tracking in self._service_offers():
            vals = {**vals, "type": "service"}
        if vals.get("type", context.get("default_type")) != "service":
            return vals
        return {**self._service_defaults(tracking), **vals}

    @api.model_create_multi
    def create(self, vals_list):
        """Give new services what services bear, whoever creates them."""
        return super().create([self._service_complete(vals) for vals in vals_list])

    def write(self, vals):
        """Change the taxes of what becomes a service, unless the taxes are said."""
        if vals.get("service_tracking") in self._service_offers():
            vals = {**vals, "type": "service"}
        becoming = self.filtered(
            lambda product: vals.get("type") == "service" and product.type != "service"
            and "taxes_id" not in vals)
        result = super().write(vals)
        for product in becoming.sudo():  # sudo: taxes of all companies
            product.taxes_id = self._service_standing(product.taxes_id)
        return result

    def _force_default_sale_tax(self, companies):
        """Give services the taxes of services in other companies, too."""
        services = self.filtered(lambda product: product.type == "service")
        for tax in companies._service_sale_taxes() if services else ():
            services.write({"taxes_id": [Command.link(tax.id)]})
        return super(ProductTemplate, self - services)._force_default_sale_tax(companies)

    def _force_default_purchase_tax(self, companies):
        """Give services the taxes of services in other companies; offers are not bought."""
        services = self.filtered(lambda product: product.type == "service")
        bought = services.filtered("purchase_ok")
        for tax in companies._service_purchase_taxes() if bought else ():
            bought.write({"supplier_taxes_id": [Command.link(tax.id)]})
        return super(ProductTemplate, self - services)._force_default_purchase_tax(companies)

    def _get_product_accounts(self):
        """Sell services on the account of services, where nothing else is chosen."""
        accounts = super()._get_product_accounts()
        if self.type == "service" and not self.property_account_income_id:
            company = self.company_id or self.env.company
            accounts["income"] = company._service_income_account(accounts["income"])
        return accounts

    # Goods that become a service --------------------------------------------------------------

    @api.onchange("type", "service_tracking")
    def _onchange_service(self):
        """Change the taxes with the type, and sell offers only."""
        self._service_follow_type(self)

    def _service_follow_type(self, form):
        """Change the taxes of a form whose product becomes a service or an offer.

        :param form: the product or its variant, as it is being edited
        """
        if form.type != "service":
            return
        taxes = form.taxes_id._origin
        form.taxes_id = self._service_standing(taxes)
        if form.service_tracking in self._service_offers():
            form.purchase_ok = False
            form.supplier_taxes_id = False

    @api.model
    def _service_standing(self, taxes):
        """Return taxes with those of services in place of those of goods.

        A company's default tax becomes what a new service bears, which its VAT regime decides.
        """
        for tax in taxes.sudo():  # sudo: taxes of companies that the user may not open
            company = tax.company_id
            if tax._is_of_goods():
                is_default = tax in (company | company.root_id).account_sale_tax_id
                standing = is_default and company._service_sale_tax()
                taxes = taxes - tax | (standing or tax._service_counterpart()).sudo(False)
        return taxes

    # What would be wrong ----------------------------------------------------------------------

    def _service_is_sold(self):
        """Tell whether invoices are made of the product. Extension point."""
        self.ensure_one()
        return self.sale_ok

    def _service_problems(self, company):
        """List what would be wrong on the company's invoices of the service.

        Extension point.

        :return: list of texts, each with its remedy
        """
        self.ensure_one()
        if self.type != "service" or not self._service_is_sold():
            return []
        # sudo: what is wrong follows from taxes and accounts that salespeople may not open
        product, company = self.sudo().with_company(company), company.sudo()
        return [
            *product._service_tax_problems(company, product._service_taxes(company)),
            *company._service_account_problems(product._get_product_accounts()["income"]),
            *product._service_untaxed_problems(company),
            *product._service_draft_problems(company)]

    def _service_taxes(self, company):
        """Return the taxes of the product in a company, without groups."""
        taxes = self.taxes_id._origin._filter_taxes_by_company(company)
        return taxes.flatten_taxes_hierarchy()

    def _service_tax_problems(self, company, taxes):
        """List what is wrong with taxes of the product in a company. Extension point.

        :param taxes: ``account.tax`` of the company, without groups
        """
        self.ensure_one()
        return company._service_tax_problems(taxes)

    def _service_untaxed_problems(self, company):
        """Say that a service has no tax in a company that charges one. Extension point."""
        proposed = company._service_sale_tax()
        if self._service_taxes(company) or not proposed:
            return []
        return [self.env._(
            "It has no tax: the invoice would neither charge VAT nor say why. Take "
            "“%(service_tax)s”.", service_tax=proposed.name)]

    def _service_draft_problems(self, company):
        """Say that drafts still bear the taxes of goods, from when the product was one."""
        drafts = self._service_goods_drafts(company)
        if not drafts:
            return []
        return [self.env._(
            "It was sold as goods before: %(drafts)s still bear a tax of goods. Correct the taxes "
            "of their lines before they are invoiced. What is posted stays as it is.",
            drafts=", ".join(drafts))]

    def _service_goods_drafts(self, company):
        """List the documents that are not posted and bear a tax of goods. Extension point.

        :return: list of names
        """
        lines = self.env["account.move.line"].search([
            ("product_id", "in", self._origin.product_variant_ids.ids or [0]),
            ("company_id", "=", company.id), ("parent_state", "=", "draft"),
            ("move_id.move_type", "=", "out_invoice"), ("tax_ids", "!=", False)])
        wrong = lines.filtered(lambda line: any(tax._is_of_goods() for tax in line.tax_ids))
        return wrong.move_id.mapped("display_name")

    # Putting it right -------------------------------------------------------------------------

    def action_repair_service(self):
        """Give the services the taxes and the account of services, where theirs are wrong.

        :raise UserError: the user may not change products; nothing can be put right by itself
        """
        self.check_access("write")
        before = {product: product.service_problems for product in self}
        for product in self.sudo():  # sudo: taxes of companies that the user may not open
            for company in product.company_id or self.env.companies.sudo():
                product._service_take_taxes(company)
                product.with_company(company)._service_take_account(company)
        left = self.filtered(
            lambda product: product.service_problems and product.service_problems == before[
                product])
        if left:
            raise UserError(self.env._(
                "This has to be decided by hand:\n%(problems)s",
                problems="\n".join(left.mapped("service_problems"))))
        return True

    def _service_take_taxes(self, company):
        """Replace taxes that are wrong for the service in a company, or missing."""
        self.ensure_one()
        taxes = self.taxes_id._filter_taxes_by_company(company)
        right = self._service_standing(taxes)
        if self._service_tax_problems(company, right.flatten_taxes_hierarchy()) or (
                not right and self._service_untaxed_problems(company)):
            right = company._service_sale_tax()
        if right and right != taxes:
            self.taxes_id = self.taxes_id - taxes | right

    def _service_take_account(self, company):
        """Sell the service on the company's account of services, where it is on one of goods."""
        self.ensure_one()
        if not company._service_account_problems(self._get_product_accounts()["income"]):
            return
        self.property_account_income_id = False
        if company._service_account_problems(self._get_product_accounts()["income"]):
            self.property_account_income_id = company._service_own_account()
