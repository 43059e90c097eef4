import io

from pypdf import PdfReader
from reportlab.graphics.barcode.qr import QrCodeWidget

from odoo import fields
from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestBadge(TransactionCase):
    """What the desk scans is printed by this house's engine, and is a code, not the words."""

    def test_badge_and_ticket(self):
        begin = fields.Datetime.now()
        event = self.env["event.event"].create({
            "name": "Speaking", "date_begin": begin,
            "date_end": fields.Datetime.add(begin, hours=2)})
        seat = self.env["event.registration"].create({"name": "Camille", "event_id": event.id})
        for report in ("badge", "full_page_ticket"):
            content, _kind = self.env["ir.actions.report"].with_context(
                force_report_rendering=True)._render_qweb_pdf(
                    f"event.action_report_event_registration_{report}", seat.ids)
            page = PdfReader(io.BytesIO(content)).pages[0]
            with self.subTest(report=report):
                self.assertIn("Camille", page.extract_text())
                self.assertNotIn("QR Code", page.extract_text())
                self.assertTrue(any(
                    self.is_code_of(seat.barcode, image.image) for image in page.images))

    def is_code_of(self, value, picture):
        """Tell whether each square of the picture is that of the value's QR code."""
        widget = QrCodeWidget(value, barLevel="L")
        widget.qr.make()
        size = widget.qr.getModuleCount()
        picture = picture.convert("L")
        return picture.width == picture.height and all(
            (picture.getpixel((int((column + 0.5) * picture.width / size),
                               int((row + 0.5) * picture.height / size))) < 128)
            == bool(widget.qr.isDark(row, column))
            for row in range(size) for column in range(size))
