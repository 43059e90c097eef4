from odoo.tests import HttpCase, new_test_user, tagged

from .common import LegalCase


@tagged("post_install", "-at_install")
class TestPortal(HttpCase, LegalCase):

    def test_titles_of_the_pages(self):
        """What the tab, the history and a screen reader say: in the reader's language."""
        user = new_test_user(self.env, "legal_reader", "base.group_portal", lang="fr_FR",
                             email="reader@example.com")
        invoice = self.invoice(user.partner_id)
        self.authenticate("legal_reader", "legal_reader")
        for path, title in (("/my/invoices", "Mes factures"),
                            (f"/my/invoices/{invoice.id}", invoice.name)):
            self.assertRegex(self.url_open(path).text, rf"<title>\s*{title}\b")
