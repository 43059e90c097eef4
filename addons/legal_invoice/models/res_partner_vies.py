from odoo import api, fields, models
from odoo.tools import format_date

from ..tools import without_separators


class ResPartner(models.Model):
    """VIES: the part of ``res.partner`` that says what VAT a business of the Union is sold with.

    A number that VIES confirms takes the VAT away (CGI, art. 283-2); without one the customer is
    sold to as a private person (Implementing Regulation (EU) 282/2011, art. 18).
    """

    _inherit = "res.partner"

    vies_note = fields.Char(
        string="VIES", compute="_compute_vies_note",
        help="What VIES said about the number, and what follows for VAT.")

    @api.depends("vat", "vies_valid", "country_id", "zip", "state_id", "is_company")
    @api.depends_context("company", "lang")
    def _compute_vies_note(self):
        for partner in self:
            verdict = partner._vies_verdict(self.env.company)
            partner.vies_note = partner._vies_sentence(verdict)

    def _vies_verdict(self, company):
        """Say what is known of the number of a business of another member state.

        :param company: ``res.company`` that sells
        :return: empty when it concerns none; ``confirmed``, ``by_hand`` (staff ticked it),
            ``refused``, ``silent`` (VIES has not answered yet), ``unasked`` (the check is off) or
            ``missing`` (a company without number)
        """
        self.ensure_one()
        customer = self.commercial_partner_id
        # sudo: the list of countries is nobody's secret
        union = self.env.ref("base.europe").sudo().country_ids
        if customer._vat_country() not in union - company.account_fiscal_country_id:
            return ""
        if not customer.vat:
            return "missing" if customer.is_company else ""
        answer = customer._vies_answer()
        if customer.vies_valid:
            return "confirmed" if answer.is_valid else "by_hand"
        if not company.vat_check_vies:
            return "unasked"
        return "refused" if answer.asked_on else "silent"

    def _vies_answer(self):
        """Return what VIES answered about the number, or none."""
        # sudo: answers of VIES are kept for everyone
        return self.env["vies.answer"].sudo().search(
            [("vat", "=", without_separators(self.vat))], limit=1)

    def _vies_sentence(self, verdict):
        """Write a verdict for staff, with what follows from it."""
        return {
            "confirmed": lambda: self.env._(
                "VIES confirmed the number on %(date)s.",
                date=format_date(self.env, self.commercial_partner_id._vies_answer().asked_on)),
            "by_hand": lambda: self.env._(
                "Somebody of ours ticked that the number is valid; VIES did not confirm it."),
            "refused": lambda: self.env._(
                "VIES does not know the number: the customer is sold to with VAT, as a private "
                "person is."),
            "silent": lambda: self.env._(
                "VIES has not answered yet: the customer is sold to with VAT until it does. It is "
                "asked again every hour."),
            "unasked": lambda: self.env._(
                "VIES is not asked (Invoicing / Settings): the number counts as it was typed."),
            "missing": lambda: self.env._(
                "Without a VAT number the company is sold to with VAT, as a private person is "
                "(Implementing Regulation (EU) 282/2011, art. 18)."),
        }.get(verdict, str)()

    def _vat_notice(self, company, untaxed):
        """Say what staff should know of the customer's number before a sale goes out.

        The one method that decides it: quotations and invoices ask it.

        :param company: ``res.company`` that sells
        :param bool untaxed: the sale charges no VAT
        :return: (level, text) as alerts of invoices have them, or None
        """
        self.ensure_one()
        verdict = self._vies_verdict(company)
        if verdict in ("", "confirmed"):
            return None
        if untaxed and verdict in ("refused", "silent", "unasked", "missing"):
            return "danger", self.env._(
                "No VAT is charged to %(customer)s, and nothing proves that it is a business "
                "(CGI, art. 283-2). %(reason)s", customer=self.commercial_partner_id.name,
                reason=self._vies_sentence(verdict))
        level = "info" if verdict in ("missing", "unasked") else "warning"
        return level, f"{self.commercial_partner_id.name}: {self._vies_sentence(verdict)}"
