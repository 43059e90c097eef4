from odoo import models


class AccountMove(models.Model):
    """Customers: the part of ``account.move`` that says what their number means for VAT."""

    _inherit = "account.move"

    def _get_alerts(self):
        """Tell, before posting, what is not proved of a customer of another member state."""
        alerts = super()._get_alerts()
        if self.state == "draft" and self.move_type == "out_invoice" and self.partner_id:
            notice = self.partner_id._vat_notice(
                self.company_id, bool(self.invoice_line_ids.tax_ids) and not self._legal_is_taxed())
            if notice:
                level, message = notice
                alerts["legal_vies"] = {
                    "level": level, "message": message,
                    "action": self.commercial_partner_id._get_records_action(),
                    "action_text": self.env._("Open the customer")}
        return alerts

    def _service_problems(self):
        """Add a reverse charge by a seller without VAT number (CGI, art. 286 ter, 4°)."""
        problems = super()._service_problems()
        if (self.partner_id and self._legal_is_concerned() and self.invoice_line_ids.tax_ids
                and self._legal_is_reverse_charged() and not self.company_id.vat):
            problems.append(self.env._(
                "%(company)s has no VAT number: it needs one, even when it is exempt, before it "
                "sells services to a business of another member state (CGI, art. 286 ter, 4°).",
                company=self.company_id.name))
        return problems

    def _service_says_why_untaxed(self):
        """Count the mentions that are printed of taxes that have none."""
        return super()._service_says_why_untaxed() or bool(
            self.partner_id and self._legal_is_concerned() and self._legal_vat())
