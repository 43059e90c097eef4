import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import patch

from stdnum.eu import vat as eu_vat

from odoo import fields
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..hooks import post_init_hook, uninstall_hook
from ..models.res_company_services import VIES_COMPANIES
from .common import LegalCase

WSDL = (Path(__file__).parent / "vies.wsdl").read_text()
ANSWER = """<?xml version="1.0"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<checkVatResponse xmlns="urn:ec.europa.eu:taxud:vies:services:checkVat:types">
<countryCode>BE</countryCode><vatNumber>0477472701</vatNumber>
<requestDate>2026-11-22</requestDate><valid>%s</valid></checkVatResponse></s:Body></s:Envelope>"""


@contextmanager
def vies(valid="true"):
    """Run a server that speaks VIES's protocol; yield the requests that it got."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._say(WSDL.replace("PORT", str(server.server_port)))

        def do_POST(self):
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._say(ANSWER % valid)

        def _say(self, text):
            self.send_response(200)
            self.send_header("Content-Type", "text/xml; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with patch.object(eu_vat, "vies_wsdl", f"http://127.0.0.1:{server.server_port}/wsdl"):
            yield asked
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def no_vies():
    """Point VIES to a closed port, where nobody answers."""
    with patch.object(eu_vat, "vies_wsdl", "http://127.0.0.1:9/wsdl"):
        yield


@tagged("post_install", "-at_install")
class TestVies(LegalCase):
    """VIES is asked when it answers, remembered, and never in the way of a sale."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.flush_all()  # the partners so far are not asked about
        cls.company.vat_check_vies = True

    def customer(self):
        customer = self.env["res.partner"].create({
            "name": "Client", "vat": "BE0477472701", "country_id": self.belgian.country_id.id})
        self.env.flush_all()
        return customer

    def test_asked_once(self):
        with vies() as asked:
            self.assertTrue(self.customer().vies_valid)
            self.assertTrue(self.customer().vies_valid)
        self.assertEqual(len(asked), 1)
        self.assertIn(b"0477472701", asked[0])

    def test_a_number_vies_does_not_know(self):
        with vies("false"):
            self.assertFalse(self.customer().vies_valid)

    def test_out_of_reach(self):
        """Saved all the same, and asked again by the cron, which tells the customer's form."""
        with no_vies():
            customer = self.customer()
            self.assertFalse(customer.vies_valid)
        self.invoice(customer, self.vat20)
        with vies() as asked:
            with self.enter_registry_test_mode():
                self.env.ref("legal_invoice.ir_cron_vies").method_direct_trigger()
        self.assertEqual(len(asked), 1)
        self.assertTrue(customer.vies_valid)

    def test_more_numbers_than_a_batch(self):
        """The run goes on until all are asked, not until tomorrow."""
        with no_vies():
            for number in ("BE0477472701", "BE0428759497"):
                self.env["res.partner"].create({
                    "name": number, "vat": number, "country_id": self.belgian.country_id.id})
            self.env.flush_all()
        with vies() as asked, self.enter_registry_test_mode():
            self.env.ref("legal_invoice.ir_cron_vies").method_direct_trigger()
        self.assertEqual(len(asked), 2)

    def test_one_bad_row_stops_no_other(self):
        """A customer that the database refuses to update, a country whose register is silent."""
        with no_vies():
            poisoned, good = self.customer(), self.customer()
        self.env["vies.answer"]._get_or_create("AT0000")
        self.env.flush_all()
        self.env.cr.execute("UPDATE vies_answer SET id = -1 WHERE vat = 'AT0000'")  # the first
        self.env.cr.execute(
            "ALTER TABLE res_partner ADD CONSTRAINT poison CHECK (id <> %s OR NOT vies_valid)",
            [poisoned.id])
        self.env.invalidate_all()
        ask = type(self.env["vies.answer"])._ask_vies
        with vies(), patch.object(
                type(self.env["vies.answer"]), "_ask_vies",
                lambda answer, patience: answer.vat != "AT0000" and ask(answer, patience)), \
                self.enter_registry_test_mode(), \
                mute_logger("odoo.addons.legal_invoice.models.vies_answer", "odoo.sql_db"):
            for _time in range(2):
                self.env.ref("legal_invoice.ir_cron_vies").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((poisoned.vies_valid, good.vies_valid), (False, True))
        self.assertEqual((len(poisoned.activity_ids), len(good.activity_ids)), (1, 0))

    def test_an_old_answer_counts_until_there_is_another(self):
        with vies():
            self.customer()
        answer = self.env["vies.answer"].search([("vat", "=", "BE0477472701")])
        answer.asked_on = fields.Datetime.now() - timedelta(days=31)
        with no_vies():
            self.assertTrue(self.customer().vies_valid)
        with vies("false"):
            self.assertFalse(self.customer().vies_valid)

    # What staff are told --------------------------------------------------------------------

    def notice(self, partner, tax=None):
        """Return level and message of what the draft of an invoice says about the number."""
        draft = self.env["account.move"].create({
            "move_type": "out_invoice", "partner_id": partner.id,
            "invoice_line_ids": [Command.create({
                "name": "Advice", "price_unit": 10.0,
                "tax_ids": [Command.set((tax or self.vat0).ids)]})]})
        alert = draft._get_alerts().get("legal_vies", {})
        return alert.get("level"), alert.get("message", "")

    @property
    def vat0(self):
        return self.env["account.chart.template"].with_company(self.company).ref(
            "tva_sale_service_intra_0")

    def test_typed_in_the_form(self):
        """VIES is asked when the number is typed, and its answer stands beside it."""
        with vies() as asked, Form(self.env["res.partner"]) as form:
            form.name, form.company_type = "Brux", "company"
            form.country_id = self.belgian.country_id
            form.vat = "BE0477472701"
            self.assertTrue(form.vies_valid)
            self.assertIn("confirmed", form.vies_note)
        self.assertEqual(len(asked), 1)
        self.assertEqual(self.notice(form.record), (None, ""))

    @mute_logger("odoo.addons.legal_invoice.models.vies_answer")
    def test_no_answer_is_seen_before_nothing_is_charged(self):
        with no_vies():
            customer = self.customer()
        self.assertIn("not answered", customer.vies_note)
        level, message = self.notice(customer)
        self.assertEqual(level, "danger")
        self.assertIn("not answered", message)
        self.assertEqual(self.notice(customer, self.vat20)[0], "warning")

    def test_number_vies_does_not_know_is_seen(self):
        with vies("false"):
            customer = self.customer()
        self.assertIn("does not know", customer.vies_note)
        self.assertEqual(self.notice(customer)[0], "danger")
        customer.vies_valid = True  # staff have other proof
        self.assertEqual(self.notice(customer)[0], "warning")
        self.assertIn("Somebody", customer.vies_note)

    def test_not_asked_is_seen(self):
        self.company.vat_check_vies = False
        customer = self.customer()
        self.assertEqual(self.notice(customer)[0], "danger")
        self.assertEqual(self.notice(customer, self.vat20)[0], "info")

    def test_company_without_number(self):
        """Implementing Regulation (EU) 282/2011, art. 18(2): a private person, with VAT."""
        customer = self.belgian.copy({"name": "Sans SA", "vat": False})
        self.assertIn("art. 18", customer.vies_note)
        self.assertEqual(self.notice(customer)[0], "danger")
        self.assertEqual(self.notice(customer, self.vat20)[0], "info")
        for partner in (self.person, self.business):
            self.assertFalse(partner.vies_note)
            self.assertEqual(self.notice(partner), (None, ""))

    def test_switched_on_and_back(self):
        """French companies ask VIES from the installation on, and no more after it is gone."""
        self.company.vat_check_vies = False
        parameters = self.env["ir.config_parameter"]
        parameters.search([("key", "=", VIES_COMPANIES)]).unlink()
        post_init_hook(self.env)
        self.assertTrue(self.company.vat_check_vies)
        uninstall_hook(self.env)
        self.assertFalse(self.company.vat_check_vies)
        self.assertFalse(parameters.search_count([("key", "=", VIES_COMPANIES)]))
        self.company.vat_check_vies = True  # chosen by the administrator
        post_init_hook(self.env)
        uninstall_hook(self.env)
        self.assertTrue(self.company.vat_check_vies)

    def test_numbers_typed_before_the_check_was_on(self):
        self.company.vat_check_vies = False
        customer = self.customer()
        self.assertFalse(customer.vies_valid)
        with vies() as asked:
            self.company.vat_check_vies = True
            with self.enter_registry_test_mode():
                self.env.ref("legal_invoice.ir_cron_vies").method_direct_trigger()
        self.assertEqual(len(asked), 1)
        self.assertTrue(customer.vies_valid)
