from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import as_engine


class AccountMove(models.Model):
    """Invoices of a seller in the European Union.

    The other parts of the model: ``account_move_einvoice.py`` (electronic invoices) and
    ``account_move_vat_evidence.py`` (where a consumer is).
    """

    _inherit = "account.move"

    oss_country_id = fields.Many2one(
        "res.country", string="Member state of the consumer", readonly=True, engine=True,
        copy=False, index="btree_not_null",
        help="The other member state where the consumer was when the document was posted.")
    is_revenue_deferral = fields.Boolean(readonly=True, engine=True, copy=False)
    revenue_deferral_ids = fields.One2many("revenue.deferral", "move_id", readonly=True)
    revenue_deferral_count = fields.Integer(compute="_compute_revenue_deferral_count")

    @api.depends("revenue_deferral_ids")
    def _compute_revenue_deferral_count(self):
        counts = dict(self.env["revenue.deferral"]._read_group(
            [("move_id", "in", self.ids), ("is_void", "=", False)], ["move_id"], ["__count"]))
        for move in self:
            move.revenue_deferral_count = counts.get(move._origin, 0)

    # Posting ----------------------------------------------------------------------------------

    def _post(self, soft=True):
        """Give posted documents what follows from them.

        That is the member state of a consumer, deferred revenue, evidence of the customer's
        country and the state of the electronic invoice.
        """
        posted = super()._post(soft)
        documents = posted.filtered(lambda move: move.is_sale_document())
        documents._set_oss_country()
        documents._defer_revenue()
        documents._collect_vat_evidence()
        documents._einvoice_refresh()
        return posted

    def _check_draftable(self):
        """Keep the entries of deferred revenue.

        :raise UserError: the shares of deferred revenue rest on the entry
        """
        result = super()._check_draftable()
        entries = self.filtered("is_revenue_deferral")
        if entries:
            raise UserError(self.env._(
                "%(entries)s spread the revenue of invoices over months. Reset the invoice to "
                "draft or make a credit note, and they follow.",
                entries=", ".join(entries.mapped("display_name"))))
        return result

    def button_draft(self):
        """Take back the deferred revenue of invoices that return to draft.

        The credit notes of these invoices have nothing to take back any more, until the invoices
        are posted again.
        """
        result = super().button_draft()
        # sudo: the shares follow from the invoice
        lines = self.sudo().invoice_line_ids
        (lines | lines.correcting_line_ids).revenue_deferral_ids.filtered(
            lambda share: not share.is_void)._reverse_posted()
        as_engine(self).einvoice_state = False
        return result

    # One Stop Shop ----------------------------------------------------------------------------

    def _set_oss_country(self):
        """Keep where consumers are, as the posted documents treat them.

        A credit note follows the invoice that it corrects.
        """
        # sudo: the list of countries is nobody's secret
        union = self.env.ref("base.europe").sudo().country_ids
        own = self.filtered(lambda move: not move._legal_corrected_invoices())
        # Written a country at a time: Odoo checks the balance of the moves at each write.
        for country, moves in own.grouped(lambda move: move._find_oss_country(union)).items():
            as_engine(moves).oss_country_id = country
        for country, moves in (self - own).grouped(
                lambda move: move._legal_corrected_invoices()[:1].oss_country_id).items():
            as_engine(moves).oss_country_id = country

    def _find_oss_country(self, union):
        """Find the other member state where the customer is, when it is a consumer.

        :param union: the countries of the European Union
        :return: ``res.country``, or none
        """
        self.ensure_one()
        home, place = self.company_id.account_fiscal_country_id, (
            self.partner_shipping_id or self.partner_id)
        if home not in union or place._get_vat_required_valid(company=self.company_id):
            return home.browse()
        return place._vat_country() & (union - home)

    # Deferred revenue -------------------------------------------------------------------------

    def _defer_revenue(self):
        """Spread the revenue of these posted documents over the months of their services."""
        credited = self.filtered(lambda move: move.move_type == "out_refund").invoice_line_ids
        credited._link_corrected_line()
        lines = self.invoice_line_ids.filtered(lambda line: line._is_spread())
        if lines:
            # sudo: the books follow from the invoice, whoever posts it
            self.env["revenue.deferral"].sudo()._defer_lines(lines)

    def action_view_revenue_deferrals(self):
        """Open the shares of the invoice's revenue by month."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_europe.revenue_deferral_action")
        return {**action, "domain": [("move_id", "=", self.id)], "context": {}}

    # Mentions ---------------------------------------------------------------------------------

    @api.depends_context("lang")
    def _compute_taxes_legal_notes(self):
        """Compute the notes in the language of the reader: Odoo keeps the first one asked for."""
        return super()._compute_taxes_legal_notes()

    def _legal_vat(self):
        """Leave the ground to taxes that print their own, line by line as it may be."""
        return "" if self.taxes_legal_notes else super()._legal_vat()
