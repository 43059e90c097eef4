import base64
import io
import threading
import time
from unittest.mock import patch

from markupsafe import Markup
from PIL import Image
from pypdf import PdfReader

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import ir_actions_report
from ..tools import pool
from . import archival
from .common import PaperCase


def fonts_of(reader):
    """Return (name, whether its file is within) of the fonts of all pages."""
    found = set()
    for page in reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            font = font.get_object()
            below = font.get("/DescendantFonts")
            described = below[0].get_object() if below else font
            descriptor = described.get("/FontDescriptor", {})
            found.add((str(font.get("/BaseFont")), bool(
                {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor))
                or font.get("/Subtype") == "/Type3"))
    return found


@tagged("post_install", "-at_install")
class TestPaper(PaperCase):

    def test_header_footer_and_number_on_every_page(self):
        """Issue 7, part 4: the seller must not vanish from the invoice."""
        pages = self.pages(self.print(self.partners[0], 80))
        self.assertGreaterEqual(len(pages), 3)
        for number, page in enumerate(pages, start=1):
            self.assertIn("The seller", page)
            self.assertRegex(page, rf"Page\s+{number}\s*/\s*{len(pages)}\b")
        self.assertNotIn("The end.", "".join(pages[:-1]))
        for page in pages[:-1]:
            self.assertIn("Amount", page, "the table's head is repeated")

    def test_totals_are_carried_over(self):
        pages = self.pages(self.print(self.partners[0], 80))
        self.assertNotIn("Brought", pages[0])
        self.assertNotIn("Carry", pages[-1])
        last = 0
        for page, following in zip(pages, pages[1:], strict=False):
            last = max(number for number in range(1, 81) if f"Line number {number} " in page)
            self.assertIn(f"Carry {last}.", page)
            self.assertIn(f"Brought {last}.", following)
        self.assertGreater(last, 30)

    def test_one_page_carries_nothing(self):
        page, = self.pages(self.print(self.partners[0], 3))
        self.assertNotIn("Carry", page)
        self.assertNotIn("Brought", page)

    def test_each_record_has_its_own_pages(self):
        """Printed together, each document is numbered for itself and can be saved apart."""
        self.print_apart()

    def test_each_record_has_its_own_pages_in_chunks(self):
        """Issue 7, « memory flat »: more records than are laid out at once."""
        with patch.object(ir_actions_report, "CHUNK", 1):
            self.print_apart()

    def print_apart(self):
        streams = self.env["ir.actions.report"].with_context(
            force_report_rendering=True)._pre_render_qweb_pdf(
                self.report, self.partners.ids, data={"lines": 50, "body": "", "head": ""})[0]
        self.assertEqual(list(streams), self.partners.ids)
        for partner in self.partners:
            pages = self.pages(streams[partner.id]["stream"].getvalue())
            self.assertIn(f"Sheet of {partner.name}", pages[0])
            self.assertRegex(pages[-1], rf"Page\s+{len(pages)}\s*/\s*{len(pages)}\b")

    def test_all_in_one_file(self):
        pages = self.pages(self.print(self.partners[1] + self.partners[0]))
        self.assertEqual(len(pages), 2)
        self.assertIn("Béla", pages[0])
        self.assertIn("Ada", pages[1])

    def test_saved_reports_are_taken_again(self):
        self.report.write({"attachment": "'%s.pdf' % object.name", "attachment_use": True})
        self.print(self.partners[0])
        saved = self.report.retrieve_attachment(self.partners[0])
        self.assertTrue(saved)
        before = saved.raw
        pages = self.pages(self.print(self.partners, 3))
        self.assertEqual(["Line number 3" in page for page in pages], [False, True])
        self.assertEqual(self.report.retrieve_attachment(self.partners[0]).raw, before)
        self.assertTrue(self.report.retrieve_attachment(self.partners[1]))

    def test_names_of_the_world(self):
        """Bad input: emoji and right-to-left names; accents; all fonts within the file."""
        self.partners[0].name = "Éloïse Łœ 🎓 שלום مرحبا"
        content = self.print(self.partners[0])
        page, = self.pages(content)
        for word in ("Éloïse", "Łœ", "🎓"):
            self.assertIn(word, page)
        self.assertRegex(page, "שלום|םולש")
        fonts = fonts_of(PdfReader(io.BytesIO(content)))
        self.assertTrue(fonts)
        self.assertEqual([name for name, within in fonts if not within], [])
        self.assertTrue([name for name, _within in fonts if "Emoji" in name], fonts)

    def test_a_long_header_makes_room(self):
        """Bad input: an address too long does not run into the lines."""
        head = Markup("<br/>").join(f"Head {number}" for number in range(30))
        page = self.pages(self.print(self.partners[0], head=head))[0]
        self.assertLess(page.index("Head 29"), page.index("Sheet of Ada"))
        lines = [line for line in page.splitlines() if "Head" in line]
        self.assertEqual(len(lines), 30)
        self.assertFalse([line for line in lines if "Sheet" in line])

    def test_archival(self):
        """PDF/A-3b (ISO 19005-3): what Factur-X is attached to; pictures and emoji, too."""
        picture = io.BytesIO()
        Image.new("RGB", (4, 4), "red").save(picture, "PNG")
        body = Markup("<img src='data:image/png;base64,%s'/> 🎓") % base64.b64encode(
            picture.getvalue()).decode()
        clauses = {clause for clause, _text in archival.faults(
            self.print(self.partners[0], body=body))}
        self.assertLessEqual({"6.6.2.1", "6.2.3", "6.2.8"}, clauses, "the check finds nothing")
        self.report.paper_archival = True
        self.assertEqual(archival.faults(self.print(self.partners[0], body=body)), [])

    def test_wkhtmltopdf_is_one_setting_away(self):
        """Debian 13 does not package it any more: then Odoo says that it is not there."""
        self.env["ir.config_parameter"].set_param("report.paper_engine", "wkhtmltopdf")
        if self.env["ir.actions.report"].get_wkhtmltopdf_state() == "install":
            with self.assertRaisesRegex(UserError, "Wkhtmltopdf"):
                self.print(self.partners[0])
        else:
            reader = PdfReader(io.BytesIO(self.print(self.partners[0])))
            self.assertIn("wkhtmltopdf", reader.metadata.creator)
        self.env["ir.config_parameter"].set_param("report.paper_engine", "weasyprint")
        reader = PdfReader(io.BytesIO(self.print(self.partners[0])))
        self.assertIn("WeasyPrint", reader.metadata.producer)

    def test_the_setting(self):
        settings = self.env["res.config.settings"].create({"paper_engine": "wkhtmltopdf"})
        settings.execute()
        self.assertEqual(self.env["ir.actions.report"]._paper_engine(), "wkhtmltopdf")

    def test_landscape(self):
        portrait = PdfReader(io.BytesIO(self.print(self.partners[0]))).pages[0].mediabox
        self.report.paperformat_id = self.report.paperformat_id.copy({
            "name": "Landscape", "default": False, "orientation": "Landscape"})
        landscape = PdfReader(io.BytesIO(self.print(self.partners[0]))).pages[0].mediabox
        self.assertEqual(
            (round(portrait.width), round(portrait.height)),
            (round(landscape.height), round(landscape.width)))
        self.assertEqual(round(portrait.width), 595)  # A4
        self.report.paperformat_id = self.env.ref("base.paperformat_euro")
        content, _kind = self.env["ir.actions.report"].with_context(
            force_report_rendering=True, landscape=True)._render_qweb_pdf(
                self.report, self.partners[:1].ids, data={"lines": 1, "body": "", "head": ""})
        asked = PdfReader(io.BytesIO(content)).pages[0].mediabox
        self.assertEqual(asked.width, landscape.width)

    def test_style_sheets_are_parsed_once(self):
        """Issue 7: 1,000 invoices a night; parsing Odoo's style sheets takes seconds."""
        self.print(self.partners[0])
        with patch.object(type(self.report), "_paper_sheet", side_effect=AssertionError):
            self.print(self.partners[1])

    def test_a_document_too_long(self):
        """Issue 19, kind 3: a time limit and a size, and the next document is printed."""
        with patch.object(pool, "MAX_SECONDS", 0.01), patch.object(pool, "SLOW_SECONDS", 0.005), \
                self.assertLogs("odoo.addons.report_paper", "WARNING"), \
                self.assertRaisesRegex(UserError, "too long"):
            self.print(self.partners[0], 50)
        self.assertEqual(len(self.pages(self.print(self.partners[0]))), 1)
        with patch.object(ir_actions_report, "MAX_CHARACTERS", 1000), \
                self.assertLogs("odoo.addons.report_paper", "WARNING"), \
                self.assertRaisesRegex(UserError, "too long"):
            self.print(self.partners[0], 50)

    def test_a_slow_document_holds_up_nobody(self):
        """Issue 19, kind 3: it gives its place to the next, and goes on."""
        done, printed, places = threading.Event(), [], pool.Pool()

        def ask(waits):
            """Answer for a document that asks for an image, which comes when the other is done."""
            def answer(question):
                if question["kind"] == "fetch" and waits:
                    self.assertTrue(waits.wait(30), "the other document waited for this one")
                return ({"error": "none"} if question["kind"] == "fetch" else {}), b""

            return answer

        def job(name):
            html = f"<p>{name}<img src='http://localhost/x.png'></p>"
            return {"documents": [[html, []]], "base_url": "http://localhost", "options": {},
                    "page": {"width": 210, "height": 297, "top": 9, "right": 9, "bottom": 9,
                             "left": 9}}

        with patch.object(pool, "SLOW_SECONDS", 0.1), mute_logger("weasyprint"):
            places._places = threading.BoundedSemaphore(1)
            slow = threading.Thread(
                target=lambda: printed.append(places.print(job("slow"), ask(done))))
            slow.start()
            time.sleep(0.05)
            printed.append(places.print(job("quick"), ask(None)))
            done.set()
            slow.join()
        quick, late = map(self.pages, printed)
        self.assertIn("quick", quick[0])
        self.assertIn("slow", late[0])

    def test_errors_are_told(self):
        """A template that cannot be laid out is named, with the remedy."""
        with self.assertLogs("odoo.addons.report_paper", "ERROR"), \
                self.assertRaisesRegex(UserError, "“Sheet” cannot be made"):
            self.print(self.partners[0], data_report_margin_top="wide")
