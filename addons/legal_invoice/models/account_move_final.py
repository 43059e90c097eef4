from datetime import datetime

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.concurrency_base.tools import is_engine, work_isolated

CHUNK = 500  # documents of one chain secured between two commits
ISSUED_FIELDS = {
    "name", "invoice_line_ids", "line_ids", "invoice_date", "date", "partner_id", "currency_id",
    "fiscal_position_id", "journal_id", "move_type", "company_id"}


class AccountMove(models.Model):
    """The part of invoices that keeps those that were issued as they are.

    An invoice that the customer has, or that is secured, is corrected by a credit note (CGI,
    art. 286, I, 3° bis; BOI-TVA-DECLA-30-10-30). Odoo secures documents with a chain of hashes;
    that of a French seller is made by a scheduled action the night after the day of the
    document, not when it is posted, as each link of the chain waits for the one before.
    """

    _inherit = "account.move"

    def _legal_is_final(self):
        """Tell whether the document stays as it is: it was sent to the customer, or is secured."""
        self.ensure_one()
        return (self.state == "posted" and bool(self.is_move_sent or self.inalterable_hash)
                and self._legal_is_concerned())

    def _legal_check_not_final(self):
        """Refuse to change documents that were issued.

        :raise UserError: naming them, and how to correct them
        """
        if final := self.filtered(lambda move: move._legal_is_final()):
            raise UserError(self.env._(
                "%(documents)s: sent to the customer or secured, hence final (CGI, art. 286, I, "
                "3° bis). Correct it with a credit note, then make a new invoice.",
                documents=", ".join(final.mapped("display_name"))))

    def _check_draftable(self):
        """Keep documents that were issued from returning to draft.

        :raise UserError: see :meth:`_legal_check_not_final`
        """
        self._legal_check_not_final()
        return super()._check_draftable()

    @api.depends("is_move_sent")
    def _compute_show_reset_to_draft_button(self):
        result = super()._compute_show_reset_to_draft_button()
        for move in self.filtered("show_reset_to_draft_button"):
            move.show_reset_to_draft_button = not move._legal_is_final()
        return result

    def write(self, vals):
        """Refuse what would change documents that were issued, by whatever way it comes.

        :raise UserError: see :meth:`_legal_check_not_final`
        """
        if "is_move_sent" in vals and not vals["is_move_sent"] and not is_engine(self.env):
            self.filtered("is_move_sent")._legal_check_not_final()
        if names := ISSUED_FIELDS & vals.keys():
            changed = self.filtered(lambda move: any(
                name in ("invoice_line_ids", "line_ids")
                or self._field_will_change(move, vals, name) for name in names))
            changed._legal_check_not_final()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_final(self):
        self._legal_check_not_final()

    # Securing -----------------------------------------------------------------------------

    @api.model
    def _get_move_hash_domain(self, common_domain=False, force_hash=False):
        """Leave out documents from before the day on which securing began."""
        domain = super()._get_move_hash_domain(common_domain, force_hash=force_hash)
        if begin := self.env.context.get("legal_secured_from"):
            domain &= Domain("date", ">=", begin)
        return domain

    @api.model
    def _cron_legal_secure(self):
        """Secure the documents of days that are over, chain by chain.

        What fails in one chain stops no other, and is tried again the next night.
        """
        for company in self.env["res.company"].search([("legal_secured_from", "!=", False)]):
            if company._legal_is_french():
                for last in self._legal_ends_of_chains(company):
                    # sudo: the chain covers all documents of the journal
                    work_isolated(last.sudo(), lambda moves: moves._legal_secure())
                    if not self.env["ir.cron"]._commit_progress(1):
                        return

    @api.model
    def _legal_ends_of_chains(self, company):
        """Find up to where the chains of a company's documents can be secured.

        A chain ends before a number that was given, and is a draft again: it may come back.

        :return: list of ``account.move`` of one record, in chunks of some hundred documents
        """
        begin, ends = company.legal_secured_from, []
        timezone = pytz.timezone(company.partner_id.tz or "Europe/Paris")
        domain = Domain([
            ("company_id", "=", company.id), ("state", "=", "posted"),
            ("move_type", "in", self.get_sale_types()), ("inalterable_hash", "=", False),
            ("date", ">=", begin), ("date", "<", datetime.now(timezone).date())])
        for journal, prefix in self._read_group(domain, ["journal_id", "sequence_prefix"]):
            chain = Domain([
                ("journal_id", "=", journal.id), ("sequence_prefix", "=", prefix)])
            secured = self.search(
                chain & Domain("inalterable_hash", "!=", False),
                order="sequence_number desc", limit=1).sequence_number
            returned = self.search(
                chain & Domain([("state", "=", "draft"), ("sequence_number", ">", secured),
                                ("posted_before", "=", True), ("date", ">=", begin)]),
                order="sequence_number", limit=1).sequence_number
            found = self.search(
                domain & chain & Domain("sequence_number", ">", secured) & (
                    Domain("sequence_number", "<", returned) if returned else Domain.TRUE),
                order="sequence_number")
            ends += [found[start:start + CHUNK][-1:] for start in range(0, len(found), CHUNK)]
        return ends

    def _legal_secure(self):
        """Secure the chain up to this document, with Odoo's hashes."""
        self.ensure_one()
        company = self.company_id
        self.with_context(
            lang=company.partner_id.lang or self.env.lang, skip_is_manually_modified=True,
            legal_secured_from=fields.Date.to_string(company.legal_secured_from),
        )._hash_moves(force_hash=True, raise_if_gap=False, raise_if_no_document=False)
