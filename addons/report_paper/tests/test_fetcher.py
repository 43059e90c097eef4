import base64
import io

from markupsafe import Markup
from PIL import Image
from pypdf import PdfReader

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..tools import PaperFetcher
from .common import PaperCase

BASE = "https://books.example.com"


@tagged("post_install", "-at_install")
class TestFetcher(PaperCase):
    """No network, no files of the machine: what is typed into a document is not trusted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = new_test_user(cls.env, "paper_clerk", "base.group_user")
        picture = io.BytesIO()
        Image.new("RGB", (4, 4), "red").save(picture, "PNG")
        cls.picture = picture.getvalue()
        cls.attachment = cls.env["ir.attachment"].create({
            "name": "picture.png", "raw": cls.picture, "mimetype": "image/png"})

    def fetch(self, url, user=None):
        return PaperFetcher(self.env(user=user or self.clerk), BASE).fetch(url)

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

    def test_attachments_with_the_readers_rights(self):
        """Whoever prints sees in the report what they may read, nothing more."""
        for path in (f"/web/image/{self.attachment.id}", f"/web/content/{self.attachment.id}-a/b",
                     f"/web/image/ir.attachment/{self.attachment.id}/raw",
                     f"/web/image?model=ir.attachment&id={self.attachment.id}&field=raw"):
            with self.subTest(path=path):
                admin = self.env.ref("base.user_admin")
                self.assertEqual(self.fetch(BASE + path, admin).read(), self.picture)
                with self.assertRaises(AccessError):
                    self.fetch(BASE + path)
                with self.assertRaises(AccessError):  # a report made with sudo, too
                    PaperFetcher(self.env(user=self.clerk, su=True), BASE).fetch(BASE + path)

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
