import io

from PIL import Image
from reportlab.graphics.barcode.qr import QrCodeWidget

from odoo.tests import HttpCase, TransactionCase, tagged

VALUE = "12345678901234567890"


def modules(picture):
    """Read the squares of a QR code's picture without a border, dark ones as True."""
    widget = QrCodeWidget(VALUE, barLevel="L")
    widget.qr.make()
    size = widget.qr.getModuleCount()
    picture = picture.convert("L")
    read = [[picture.getpixel((int((column + 0.5) * picture.width / size),
                               int((row + 0.5) * picture.height / size))) < 128
             for column in range(size)] for row in range(size)]
    return read, [[bool(widget.qr.isDark(row, column)) for column in range(size)]
                  for row in range(size)]


@tagged("post_install", "-at_install")
class TestBarcode(TransactionCase):
    """The picture is a code that scanners read, whatever reportlab was installed with."""

    def draw(self, barcode_type, value, **options):
        return Image.open(io.BytesIO(
            self.env["ir.actions.report"].barcode(barcode_type, value, **options)))

    def test_qr_code(self):
        picture = self.draw("QR", VALUE, width=116, height=116, quiet=0)
        self.assertEqual(picture.size, (116, 116))
        read, expected = modules(picture)
        self.assertEqual(read, expected)

    def test_bars_with_their_number(self):
        bars = self.draw("Code128", VALUE, width=168, height=100, quiet=0)
        with_text = self.draw("Code128", VALUE, width=168, height=100, quiet=0, humanreadable=1)
        for picture in (bars, with_text):
            row = {picture.convert("L").getpixel((column, 20)) < 128 for column in range(168)}
            self.assertEqual(row, {True, False})
        self.assertNotEqual(bars.tobytes(), with_text.tobytes())

    def test_too_long(self):
        with self.assertRaises(ValueError):
            self.draw("QR", "x" * 4000)


@tagged("post_install", "-at_install")
class TestBarcodePage(HttpCase):

    def test_answers(self):
        answer = self.url_open(f"/report/barcode/QR/{VALUE}?width=100&height=100")
        self.assertEqual((answer.status_code, answer.headers["Content-Type"]), (200, "image/png"))
        for path in (f"QR/{'x' * 4000}", "", "?barcode_type=QR", "QR/abc?width=wide",
                     "QR/abc?width=9000&height=9000"):
            answer = self.url_open(f"/report/barcode/{path}")
            self.assertEqual(answer.status_code, 400, path[:40])
