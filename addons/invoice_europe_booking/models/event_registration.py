from odoo import models


class EventRegistration(models.Model):
    _inherit = "event.registration"

    def _invoice_booking(self):
        """Invoice the seat with the analytic account of its training."""
        # sudo: the books follow from the booking; its customer has no right on them
        account = self.event_id.event_type_id.sudo().with_company(
            self.credit_entry_id.company_id).analytic_account_id
        seat = self.with_context(training_analytic_account_id=account.id)
        return super(EventRegistration, seat)._invoice_booking()
