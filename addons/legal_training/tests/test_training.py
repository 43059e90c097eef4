from odoo import fields
from odoo.tests import tagged

from odoo.addons.legal_invoice.tests.common import LegalCase


@tagged("post_install", "-at_install")
class TestTraining(LegalCase):
    """The declaration of activity (Code du travail, art. R6351-6) on invoices."""

    def declare(self):
        self.company.write({"training_declaration": "84 69 12345 69",
                            "training_region": "Auvergne-Rhône-Alpes"})

    def test_on_the_invoice(self):
        invoice = self.invoice(self.person, self.vat20)
        self.assertNotIn("training", self.mentions(invoice))
        self.declare()
        for lang in ("fr_FR", "en_US"):
            self.assertEqual(
                self.mentions(invoice, lang)["training"],
                "Déclaration d’activité enregistrée sous le numéro 84 69 12345 69 auprès du "
                "préfet de région Auvergne-Rhône-Alpes. Cet enregistrement ne vaut pas agrément "
                "de l’État.")

    def test_needed_to_sell_trainings(self):
        self.env["event.event"].search([]).unlink()
        self.assertNotIn("training", self.missing())
        training = self.env["event.type"].create({
            "name": "Speaking", "is_training": True, "credit_price": 2})
        begin = fields.Datetime.now()
        self.env["event.event"].create({
            "name": "Speaking", "event_type_id": training.id, "date_begin": begin,
            "date_end": fields.Datetime.add(begin, hours=2)})
        self.assertIn("training", self.missing())
        self.declare()
        self.assertNotIn("training", self.missing())

    def missing(self):
        return [item["code"] for item in self.company._legal_missing()]
