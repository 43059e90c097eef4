import base64
import io

from markupsafe import Markup
from PIL import Image
from pypdf import PdfReader

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..tools import PaperFetcher
from .common import PaperCase

BASE = "https://books.example.com"


@tagged("post_install", "-at_install")
class TestFetcher(PaperCase):
    """No network, no files of the machine: what is typed into a document is not trusted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        picture = io.BytesIO()
        Image.new("RGB", (4, 4), "red").save(picture, "PNG")
        cls.picture = picture.getvalue()
        cls.attachment = cls.env["ir.attachment"].create({
            "name": "picture.png", "raw": cls.picture, "mimetype": "image/png"})

    def fetch(self, url, documents=None):
        """Fetch as the superuser, whom scheduled actions print as."""
        return PaperFetcher(self.env, BASE, documents).fetch(url)

    def loads(self, url):
        """Tell whether WeasyPrint would get something: it goes on when it does not."""
        try:
            return self.fetch(url)
        except Exception:
            return False

    def test_refused(self):
        for url in ("file:///etc/passwd", "http://169.254.169.254/latest/meta-data",
                    "https://evil.example/x.png", "ftp://books.example.com/x",
                    "https://books.example.com@evil.example/web/static/img/logo.png",
                    "http://books.example.com/web/static/img/logo.png",
                    f"{BASE}/web/static/../models/ir_http.py",
                    f"{BASE}/web/static/%2e%2e/models/ir_http.py",
                    f"{BASE}/web/models/ir_http.py", f"{BASE}/web/database/manager",
                    "gopher://books.example.com/", "/etc/passwd"):
            with self.subTest(url=url), self.assertRaises(ValueError):
                self.fetch(url)

    def test_own_files(self):
        self.assertEqual(
            self.fetch(f"{BASE}/web/static/img/placeholder.png").content_type, "image/png")
        data = base64.b64encode(self.picture).decode()
        self.assertEqual(self.fetch(f"data:image/png;base64,{data}").read(), self.picture)

    def test_nobody_lends_their_rights(self):
        """Issue 19, kind 2: whoever prints, an address shows what is public, no more."""
        paths = [f"/web/image/{self.attachment.id}", f"/web/content/{self.attachment.id}-a/b",
                 f"/web/image/ir.attachment/{self.attachment.id}/raw",
                 f"/web/image?model=ir.attachment&id={self.attachment.id}&field=raw"]
        for path in paths:
            with self.subTest(path=path), self.assertRaises(AccessError):
                self.fetch(BASE + path)
        token, = self.attachment.generate_access_token()
        self.assertEqual(self.fetch(f"{BASE}{paths[0]}?access_token={token}").read(), self.picture)
        self.attachment.public = True
        for path in paths:
            self.assertEqual(self.fetch(BASE + path).read(), self.picture)

    def test_what_is_attached_to_the_document(self):
        self.attachment.write({"res_model": "res.partner", "res_id": self.partners[0].id})
        url = f"{BASE}/web/image/{self.attachment.id}"
        self.assertEqual(self.fetch(url, self.partners[0]).read(), self.picture)
        with self.assertRaises(AccessError):
            self.fetch(url, self.partners[1])

    def test_images_and_fonts_only(self):
        """A public file of another kind, and an id that no database knows."""
        self.attachment.write({"public": True, "raw": b"%PDF-1.7 secret", "mimetype": "text/css"})
        for url in (f"{BASE}/web/content/{self.attachment.id}",
                    f"{BASE}/web/static/src/core/utils/strings.js",
                    f"{BASE}/web/image/{'9' * 30}",
                    f"{BASE}/web/image?model=ir.attachment&id={'9' * 30}",
                    f"{BASE}/web/image?model=base&id=1&field=id",
                    f"{BASE}/web/image?model=ir.attachment&id=x"):
            with self.subTest(url=url), mute_logger("odoo.sql_db"):
                self.assertFalse(self.loads(url))
        self.assertTrue(self.partners[0].exists(), "the transaction lives")

    def test_a_note_does_not_open_files(self):
        """Issue 19, kind 2: what a clerk typed, printed by a scheduled action or administrator."""
        self.attachment.raw = b"the administrator's secret"
        link = (f"<a rel='nofollow ATTACHMENT' href='/web/content/{self.attachment.id}'>x</a>"
                "<a href='javascript:alert(1)'>y</a><a href=' file:///etc/passwd'>z</a>"
                "<a href='https://books.example.com/pay'>pay</a>")
        for name in ("body", "head"):
            with self.subTest(place=name):
                reader = PdfReader(io.BytesIO(
                    self.print(self.partners[0], **{name: Markup(link)})))
                self.assertFalse(reader.attachments)
                links = [each.get_object()["/A"]["/URI"] for page in reader.pages
                         for each in page.get("/Annots", ()) if "/A" in each.get_object()]
                self.assertEqual(
                    [url for url in links if "/web/content/" not in url],
                    ["https://books.example.com/pay"])

    def test_nothing_of_the_machine_in_a_document(self):
        """Neither as a picture, a style sheet, nor as a file attached to the PDF."""
        body = Markup(
            "<img src='file:///etc/passwd'/><object data='file:///etc/passwd'></object>"
            "<link rel='attachment' href='file:///etc/passwd'/>"
            "<a rel='attachment' href='file:///etc/passwd'>password</a>"
            "<style>@import url(file:///etc/passwd); body {background: url(file:///etc/passwd)}"
            "</style>")
        with self.assertLogs("weasyprint", "ERROR"):
            content = self.print(self.partners[0], body=body)
        reader = PdfReader(io.BytesIO(content))
        self.assertFalse(reader.attachments)
        self.assertNotIn(b"root:", b"".join(
            obj.get_object().get_data() for page in reader.pages
            for obj in [page["/Contents"]]))
        self.assertNotIn("root:", "".join(self.pages(content)))
