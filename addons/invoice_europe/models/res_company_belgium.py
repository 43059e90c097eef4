from odoo import models
from odoo.fields import Command

from .res_company import BELGIAN_ABROAD

ABROAD, REVERSE = "attn_VAT-OUT-00-ROW", "attn_VAT-OUT-00-EU-S"


class ResCompany(models.Model):
    """Belgium: the part of ``res.company`` that completes the Belgian chart, of a holding, say."""

    _inherit = "res.company"

    def _europe_complete_belgian(self):
        """Complete a Belgian company, once: codes and mentions of services to other countries.

        The chart sells services to a business of another member state under the code of goods (K),
        and outside the Union as exports of goods (G). Sources: Directive 2006/112/EC, art. 44, 196
        and 226, 11a; Code de la TVA, art. 21, § 2 and 51, § 2, 5°; EN 16931, BR-AE and BR-O.
        """
        self.ensure_one()
        reverse = self._europe_chart_tax(REVERSE)
        if not reverse:
            return
        reverse.write({
            "ubl_cii_tax_category_code": "AE",
            "ubl_cii_tax_exemption_reason_code": "VATEX-EU-AE"})
        abroad = self._europe_chart_tax(ABROAD)
        services = abroad.with_context(active_test=False).original_tax_ids.filtered(
            lambda tax: tax.tax_scope == "service")
        own = self._europe_create_tax(BELGIAN_ABROAD, ABROAD, {
            "name": "0% EX S", "tax_scope": "service", "ubl_cii_tax_category_code": "O",
            "ubl_cii_tax_exemption_reason_code": "VATEX-EU-O",
            "fiscal_position_ids": [Command.set(abroad.fiscal_position_ids.ids)],
            "original_tax_ids": [Command.set(services.ids)]})
        own.original_tax_ids |= services
        abroad.original_tax_ids -= services
        langs = [lang for lang, _label in self.env["res.lang"].get_installed()]
        for tax, mention in ((reverse, "_europe_belgian_reverse"), (own, "_europe_belgian_abroad")):
            self._europe_write_mention(tax, {
                lang: getattr(self.with_context(lang=lang), mention)() for lang in langs})

    def _europe_leave_belgian(self):
        """Give the chart's tax of exports back the services that it stood for."""
        self.ensure_one()
        own, abroad = self._europe_tax(BELGIAN_ABROAD), self._europe_chart_tax(ABROAD)
        if own and abroad:
            services = own.with_context(active_test=False).original_tax_ids
            own.original_tax_ids = [Command.clear()]
            abroad.original_tax_ids |= services

    def _europe_belgian_reverse(self):
        return self.env._(
            "Reverse charge: Directive 2006/112/EC art. 44 and 196, Belgian VAT Code art. 21, § 2")

    def _europe_belgian_abroad(self):
        return self.env._(
            "Not subject to Belgian VAT: Directive 2006/112/EC art. 44, Belgian VAT Code art. 21, "
            "§ 2")
