from odoo import fields, models
from odoo.fields import Domain

from ..tools import check, section

EVIDENCE_MISSING = ("short", "contradictory")


class MonthClosing(models.AbstractModel):
    """Documents of the month: drafts, data to fix, files not made, evidence, secured entries."""

    _inherit = "month.closing"

    def _documents_section(self, period):
        """List what has to be finished before the month is closed."""
        posted = ("state", "=", "posted")
        return section("documents", self.env._("Documents to finish"), [
            self._moves_check(
                period, [("state", "=", "draft")], "todo", self.env._("Drafts"), self.env._(
                    "Post them or delete them: a draft of a locked month moves to the next one.")),
            self._moves_check(
                period, [posted, ("einvoice_state", "=", "to_fix")], "todo",
                self.env._("Invoices whose electronic file lacks data"), self.env._(
                    "Open each: what is missing stands at its top, with “Check again”.")),
            self._moves_check(
                period, [posted, ("einvoice_state", "=", "to_make")], "todo",
                self.env._("Electronic invoices not sent"), self.env._(
                    "Choose them in the list and click “Send”: the file goes with the PDF.")),
            self._moves_check(
                period, [posted, ("einvoice_state", "=", "refused")], "wrong",
                self.env._("Electronic invoices refused"), self.env._(
                    "Correct the data, then make a credit note and a new invoice.")),
            self._moves_check(
                period, [posted, ("made_sequence_gap", "=", True),
                         ("move_type", "in", ("out_invoice", "out_refund"))], "wrong",
                self.env._("Gaps in the numbering of customer documents"), self.env._(
                    "Numbers follow one another (CGI, annex II, art. 242 nonies A, I, 7°): keep a "
                    "note of why a number is missing.")),
            self._bank_check(period),
        ])

    def _moves_check(self, period, domain, state, name, remedy):
        """Count documents of the month.

        :param str state: when there are some
        """
        return self._found_check([*period.moves(), *domain], state, name, remedy)

    def _found_check(self, domain, state, name, remedy):
        [(count, amount)] = self.env["account.move"]._read_group(
            domain, [], ["__count", "amount_total_signed:sum"])
        if not count:
            return check("ok", name, count=0)
        return check(state, name, count=count, amount=amount, remedy=remedy,
                     action=self._open_list(name, "account.move", domain))

    def _bank_check(self, period):
        """Count the lines of the bank that no entry explains; they stop Odoo's lock."""
        domain = period.company._get_unreconciled_statement_lines_domain(period.last)
        [(count, amount)] = self.env["account.bank.statement.line"]._read_group(
            domain, [], ["__count", "amount:sum"])
        name = self.env._("Bank lines without an entry")
        if not count:
            return check("ok", name, count=0)
        return check(
            "wrong", name, count=count, amount=amount, remedy=self.env._(
                "Match each with its payment: Odoo locks no month that has some."),
            action=self._open_list(name, "account.bank.statement.line", domain))

    # Evidence -----------------------------------------------------------------------------------

    def _evidence_section(self, period):
        """List sales to consumers whose country is not proved.

        Extension point: rooms above add the evidence that they keep, to its checks.
        """
        return section("evidence", self.env._("Evidence"), self._evidence_checks(period))

    def _evidence_checks(self, period):
        """Return what is missing of the evidence that the law asks to keep.

        Extension point; see :func:`tools.check`.
        """
        domain = [("state", "=", "posted"), ("vat_evidence_state", "in", EVIDENCE_MISSING)]
        return [self._moves_check(
            period, domain, "todo", self.env._("Customers whose country is not proved"),
            self.env._(
                "Two pieces of evidence that agree are needed (Implementing Regulation (EU) "
                "282/2011, art. 24b): ask the customer, or correct the address."))]

    # Secured entries ----------------------------------------------------------------------------

    def _security_section(self, period):
        """Say whether the entries that are to be secured are (CGI art. 286, I, 3° bis)."""
        name = self.env._("Secured entries")
        domain = self._to_secure(period.company)
        if not domain:
            return section("security", name, [check(
                "info", self.env._("No journal is secured"), remedy=self.env._(
                    "“Secure Posted Entries with Hash” is a box of each journal: once entries are "
                    "in, it cannot be taken off."))])
        return section("security", name, [self._found_check(
            [*period.moves(), ("state", "=", "posted"), ("inalterable_hash", "=", False), *domain],
            "todo", self.env._("Entries of secured journals that are not secured yet"),
            self.env._(
                "Invoices are secured in the night after their day, other entries when they are "
                "sent or printed; “Secure Entries” does it for all until a day."))])

    def _to_secure(self, company):
        """Find what the company secures.

        :return: a domain of ``account.move``; None where nothing is secured
        """
        journals = self.env["account.journal"].search([
            *self.env["account.journal"]._check_company_domain(company),
            ("restrict_mode_hash_table", "=", True)])
        domains = [[("journal_id", "in", journals.ids)]] if journals else []
        if company.legal_secured_from and company._legal_is_french():
            domains.append([
                ("move_type", "in", self.env["account.move"].get_sale_types()),
                ("date", ">=", company.legal_secured_from),
                ("date", "<", fields.Date.context_today(self))])
        return list(Domain.OR(domains)) if domains else None
