from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Command

from odoo.addons.l10n_eu_oss.models.eu_tax_map import EU_TAX_MAP

OSS_THRESHOLD = 10000.0  # euro a civil year, VAT Directive 2006/112/EC, art. 59c; CGI art. 259 D

# Own taxes: the tax of the French chart each is made from, and what sets it apart.
TAXES = {
    "on_site": ("tva_normale_encaissement", {"name": "20% S on site"}),
    "training": ("tva_sale_service_0", {
        "name": "0% training", "ubl_cii_tax_category_code": "E",
        "ubl_cii_tax_exemption_reason_code": "VATEX-FR-CGI261-4"}),
    "franchise": ("tva_sale_service_0", {
        "name": "0% 293 B", "ubl_cii_tax_category_code": "E",
        "ubl_cii_tax_exemption_reason_code": "VATEX-FR-FRANCHISE"}),
}
# Rates of Guadeloupe, Martinique and Réunion: the tax of the chart, and those it stands for.
OVERSEAS = {
    "overseas_8_5": ("tva_specifique", ("tva_normale_encaissement",)),
    "overseas_2_1": ("tva_super_reduite", (
        "tva_intermediaire_encaissement", "tva_reduite_encaissement",
        "tva_super_reduite_encaissement")),
}

# Own tax of the Belgian chart: services outside the Union.
BELGIAN_ABROAD = "belgian_abroad"


class ResCompany(models.Model):
    _inherit = "res.company"

    oss_registered = fields.Boolean(
        string="One Stop Shop",
        help="Consumers of other member states pay the VAT of their own country, declared through "
        "the One Stop Shop (VAT Directive 2006/112/EC, art. 369a to 369k). Below 10,000 € a year "
        "of such sales, the VAT of the seller's country may be kept (art. 59c).")
    oss_sales_this_year = fields.Monetary(
        string="Consumers of other member states, this year",
        compute="_compute_oss_sales_this_year",
        help="Sales of the civil year to consumers of other member states that are taxed where "
        "they are, without VAT (VAT Directive 2006/112/EC, art. 59c).")
    deferral_account_id = fields.Many2one(
        "account.account", string="Deferred revenue", check_company=True,
        help="Where the price of months to come waits (487 in France). Empty: nothing is spread.")
    deferral_min_months = fields.Integer(
        string="Spread from (months)", default=3,
        help="Invoice lines whose service lasts this many civil months or more are spread over "
        "them by the day.")
    analytic_offer_plan_id = fields.Many2one(
        "account.analytic.plan", string="Analytic plan of offers", ondelete="set null",
        help="Each training and subscription plan gets an analytic account there, which its "
        "invoice lines carry. Empty: none.")

    _deferral_months_positive = models.Constraint(
        "CHECK(COALESCE(deferral_min_months, 2) >= 2)",
        "A service is spread over two civil months at least.")

    @api.model_create_multi
    def create(self, vals_list):
        """Give the companies that are registered for it the positions of the One Stop Shop."""
        companies = super().create(vals_list)
        companies.filtered("oss_registered")._oss_apply()
        return companies

    def write(self, vals):
        """Follow the settings of the One Stop Shop and of analytic accounts."""
        result = super().write(vals)
        if "oss_registered" in vals:
            self._oss_apply()
        if vals.get("analytic_offer_plan_id"):
            self._make_offer_analytic_accounts()
        return result

    def _compute_oss_sales_this_year(self):
        start = fields.Date.context_today(self).replace(month=1, day=1)
        for company in self:
            # sudo: a total that tells administrators whether to register
            [(total,)] = self.env["account.move.line"].sudo()._read_group([
                ("company_id", "=", company.id), ("parent_state", "=", "posted"),
                ("display_type", "=", "product"), ("move_id.oss_country_id", "!=", False),
                ("move_id.invoice_date", ">=", start), ("tax_ids.amount", ">", 0),
                ("tax_ids", "not in", company._europe_tax("on_site").ids),
            ], [], ["balance:sum"])
            company.oss_sales_this_year = -(total or 0.0)

    # One Stop Shop --------------------------------------------------------------------------

    def _oss_apply(self):
        """Activate or archive the fiscal positions of the One Stop Shop, as the company wishes."""
        for company in self:
            company._oss_positions().active = company.oss_registered
        # sudo: taxes follow from the setting, and so do their accounts
        self.filtered("oss_registered").sudo()._map_eu_taxes()

    def _oss_positions(self):
        """Return the fiscal positions with taxes of the One Stop Shop, archived ones too."""
        self.ensure_one()
        return self.env["account.fiscal.position"].with_context(active_test=False).search([
            ("company_id", "=", self.id), ("country_id", "!=", False),
            ("tax_ids.invoice_repartition_line_ids.tag_ids", "in",
             self.env.ref("l10n_eu_oss.tag_oss").ids)])

    def _map_eu_taxes(self):
        """Map the domestic taxes that Odoo leaves out, as it maps one for each foreign rate.

        Taxes of what is given on the spot are not mapped: it is taxed where it takes place.
        """
        result = super()._map_eu_taxes()
        for company in self:
            on_site = company._europe_tax("on_site")
            for position in company._oss_positions().filtered("active"):
                for tax in position.tax_ids:
                    tax.original_tax_ids -= on_site
                company._oss_link_taxes(position, on_site)
        return result

    def _oss_link_taxes(self, position, on_site):
        """Let the foreign taxes of a fiscal position stand for all domestic ones of their rate.

        :param on_site: taxes that keep their place
        """
        tag = self.env.ref("l10n_eu_oss.tag_oss")
        foreign = {
            tax.amount: tax for tax in position.tax_ids
            if tag in tax.invoice_repartition_line_ids.tag_ids}
        domestic = self.env["account.tax"].search([
            *self.env["account.tax"]._check_company_domain(self),
            ("type_tax_use", "=", "sale"), ("amount_type", "=", "percent"), ("amount", ">", 0),
            ("fiscal_position_ids.is_domestic", "=", True), ("id", "not in", on_site.ids)])
        for tax in domestic - position.tax_ids.original_tax_ids:
            rate = EU_TAX_MAP.get((tax.country_id.code, tax.amount, position.country_id.code))
            if rate in foreign:
                foreign[rate].original_tax_ids += tax

    # Taxes of the French chart --------------------------------------------------------------

    def _europe_tax(self, name):
        """Return one of the taxes that this addon adds to a French company, or none.

        :param str name: key of ``TAXES`` or ``OVERSEAS``
        """
        self.ensure_one()
        taxes = self.env["account.tax"]
        return self.env.ref(self._europe_xmlid(name), raise_if_not_found=False) or taxes

    def _europe_xmlid(self, name):
        """Return the external id of one of our own taxes of the company."""
        return f"account.{self.id}_invoice_europe_{name}"

    def _europe_chart_tax(self, name):
        """Return a tax of the company's chart of accounts by its name there, or none."""
        chart = self.env["account.chart.template"].with_company(self)
        return chart.ref(name, raise_if_not_found=False) or self.env["account.tax"]

    def _europe_create_taxes(self):
        """Complete French companies, each once: taxes, mentions, account of deferred revenue."""
        for company in self.sudo():  # sudo: run by installations and by administrators
            company._europe_complete_belgian()
            if not company._europe_chart_tax("tva_sale_service_0"):
                continue
            for name, (origin, vals) in TAXES.items():
                company._europe_create_tax(name, origin, vals)
            company._europe_place_exempt()
            company._europe_create_overseas()
            company._europe_set_mentions()
            if not company.deferral_account_id:
                company.deferral_account_id = self.env["account.account"].with_company(
                    company).search([
                        *self.env["account.account"]._check_company_domain(company),
                        ("code", "=like", "487%"), ("account_type", "=like", "liability%"),
                    ], order="code", limit=1)

    def _legal_exempt_tax(self):
        """Return the tax without VAT that says the ground of the company's exemption."""
        name = {"exempt": "training", "franchise": "franchise"}[self.legal_vat_regime]
        return self._europe_tax(name).filtered("active") or super()._legal_exempt_tax()

    def _service_tax_problems(self, taxes):
        """Add the ground of a small business on invoices of a company that is none."""
        problems = super()._service_tax_problems(taxes)
        if self.legal_vat_regime == "normal" and taxes & self._europe_tax("franchise"):
            problems.append(self.env._(
                "“%(tax)s” is of small businesses, and %(company)s is subject to VAT (its VAT "
                "regime). Take “%(service_tax)s”.", tax=self._europe_tax("franchise").name,
                company=self.name, service_tax=self._service_sale_tax().name))
        return problems

    def _europe_place_exempt(self):
        """Let what is exempt in France follow its place to other countries.

        A service to a business of another member state is taxed there (CGI, art. 259, 1°), and
        the exemptions of art. 261 and 293 B are of sales in France: the business owes the VAT
        (art. 283-2). Outside the Union no French VAT is due at all.
        """
        exempt = self._europe_tax("training") | self._europe_tax("franchise")
        for name in ("tva_sale_service_intra_0", "tva_sale_service_export_0"):
            self._europe_chart_tax(name).original_tax_ids |= exempt

    def _europe_create_tax(self, name, origin, vals):
        """Return one of our own taxes, copied from one of the chart when it is not there yet.

        :param str name: key of the tax among ours
        :param str origin: name of the tax of the chart
        :param dict vals: what sets the copy apart
        """
        tax = self._europe_tax(name)
        if not tax:
            # A copy would stand in for, and be replaced by, what its origin is.
            tax = self._europe_chart_tax(origin).copy({
                "original_tax_ids": [Command.clear()], "replacing_tax_ids": [Command.clear()],
                "active": True, "sequence": 20, **vals})
            self._europe_name(name, tax)
        return tax

    def _europe_name(self, name, record):
        self.env["ir.model.data"]._update_xmlids([{
            "xml_id": self._europe_xmlid(name), "record": record, "noupdate": True}])

    def _europe_overseas(self):
        """Return the fiscal position of Guadeloupe, Martinique and Réunion, or none."""
        self.ensure_one()
        positions = self.env["account.fiscal.position"]
        return self.env.ref(
            self._europe_xmlid("overseas"), raise_if_not_found=False) or positions

    def _europe_create_overseas(self):
        """Create the taxes and the fiscal position of Guadeloupe, Martinique and Réunion, once.

        Services there bear rates of their own (CGI art. 296); in Guyane and Mayotte there is no
        VAT (art. 294, 1), as outside the Union.
        """
        group = self.env.ref("invoice_europe.overseas_vat")
        position = self._europe_overseas()
        if not position:
            goods = self._europe_chart_tax("tva_sale_good_export_0")
            position = position.create({
                "name": self.env._("Guadeloupe, Martinique, Réunion"), "company_id": self.id,
                "auto_apply": True, "sequence": 45, "tax_ids": [Command.set(goods.ids)],
                "country_group_id": group.id})
            self._europe_name("overseas", position)
        elif not position.country_group_id:  # left by a former installation
            position.write({"active": True, "country_group_id": group.id})
        for name, (origin, replaced) in OVERSEAS.items():
            originals = self.env["account.tax"].union(*map(self._europe_chart_tax, replaced))
            tax = self._europe_chart_tax(origin)
            self._europe_create_tax(name, origin, {
                "name": f"{tax.amount:g}% S DOM", "tax_scope": "service",
                "tax_exigibility": "on_payment",
                "cash_basis_transition_account_id":
                    originals[:1].cash_basis_transition_account_id.id,
                "fiscal_position_ids": [Command.set(position.ids)],
                "original_tax_ids": [Command.set(originals.ids)]})

    def _europe_remove_taxes(self):
        """Delete what :meth:`_europe_create_taxes` added; archive what is in use.

        The mentions stay on the taxes of the chart: they are what the law wants without us, too.
        """
        for company in self:
            company._europe_leave_belgian()
        taxes = self._europe_own_taxes()
        used = taxes._europe_used()
        (taxes - used).unlink()
        used.active = False
        for company in self:
            position = company._europe_overseas()
            if self.env["account.move"].search_count(
                    [("fiscal_position_id", "in", position.ids)], limit=1):
                position.active = False
            else:
                position.unlink()

    def _europe_own_taxes(self):
        return self.env["account.tax"].union(*(
            company._europe_tax(name) for company in self
            for name in (*TAXES, *OVERSEAS, BELGIAN_ABROAD)))

    def _europe_set_mentions(self):
        """Set what the law wants on invoices without VAT, and the codes of electronic ones.

        Sources: CGI, annex II, art. 242 nonies A, I, 9° and 13°; VAT Directive, art. 226, 11 and
        11a.
        """
        mentions = {
            lang: self.with_context(lang=lang)._europe_mentions()
            for lang, _label in self.env["res.lang"].get_installed()}
        taxes = {
            **{name: self._europe_tax(name) for name in ("training", "franchise")},
            **{name: self._europe_chart_tax(name) for name in (
                "tva_sale_service_intra_0", "tva_sale_service_export_0")}}
        for name, tax in taxes.items():
            self._europe_write_mention(
                tax, {lang: texts[name] for lang, texts in mentions.items()})
        # Services to a taxable person of another member state are not category K: goods are.
        taxes["tva_sale_service_intra_0"].write({
            "ubl_cii_tax_category_code": "AE",
            "ubl_cii_tax_exemption_reason_code": "VATEX-EU-AE"})
        # Services outside the Union are not category G, the export of goods: they are out of scope.
        taxes["tva_sale_service_export_0"].write({
            "ubl_cii_tax_category_code": "O",
            "ubl_cii_tax_exemption_reason_code": "VATEX-EU-O"})

    def _europe_write_mention(self, tax, texts):
        """Write the legal note of a tax in every language.

        :param dict texts: by language, English among them
        """
        source = texts["en_US"]
        tax.with_context(lang="en_US").invoice_legal_notes = Markup("<p>%s</p>") % source
        tax.update_field_translations("invoice_legal_notes", {
            lang: {source: text} for lang, text in texts.items() if lang != "en_US"})

    def _europe_mentions(self):
        """Return the ground of each untaxed tax, by its name, in the environment's language."""
        return {
            "training": self.env._("VAT exempt: CGI art. 261-4-4° a (vocational training)"),
            "franchise": self.env._("VAT not applicable: CGI art. 293 B"),
            "tva_sale_service_intra_0": self.env._(
                "Reverse charge: CGI art. 283-2, Directive 2006/112/EC art. 44 and 196"),
            "tva_sale_service_export_0": self.env._(
                "Not subject to French VAT: CGI art. 259, 1° (Directive 2006/112/EC art. 44), "
                "259 B and 259 D"),
        }

    # Dates ----------------------------------------------------------------------------------

    def _deferral_date(self, date):
        """Return `date`, or the first day after it on which no lock date forbids to post."""
        self.ensure_one()
        # sudo: lock dates are an accountant's data
        locks = self.sudo()._get_lock_date_violations(
            date, sale=False, purchase=False, tax=False)
        return max((lock for lock, _field in locks), default=date - timedelta(1)) + timedelta(1)

    # Analytic accounts ----------------------------------------------------------------------

    def _make_offer_analytic_accounts(self):
        """Give the offers of these companies their analytic accounts.

        Extension point: an addon with offers (plans, trainings) calls
        ``_make_analytic_accounts`` of its own.
        """

    def _make_analytic_account(self, name):
        """Return a new analytic account in the plan of offers.

        :param str name: of the offer
        """
        self.ensure_one()
        # sudo: the account follows from the setting, whoever creates the offer
        return self.env["account.analytic.account"].sudo().create({
            "name": name, "plan_id": self.analytic_offer_plan_id.id, "company_id": self.id})
