from markupsafe import Markup

from odoo import api, models


class AccountPaymentTerm(models.Model):
    _inherit = "account.payment.term"

    @api.model
    def _note_in_french(self):
        """Translate what stands on invoices about the terms that Odoo brought, unless somebody
        wrote it anew: their names are French, their notes are not.
        """
        if not self.env["res.lang"]._get_data(code="fr_FR"):
            return
        for term in self.with_context(active_test=False).search([("note", "!=", False)]):
            english, french = term.with_context(lang="en_US"), term.with_context(lang="fr_FR")
            note = Markup("<span>Payment terms: %s</span>") % english.name
            if french.note == english.note == note:
                # Written in French, the note would change in English, too: it is no term yet.
                term.update_field_translations("note", {"fr_FR": {str(note): str(
                    Markup("<span>Conditions de paiement : %s</span>") % french.name)}})
