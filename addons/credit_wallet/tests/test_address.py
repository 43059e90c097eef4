from odoo.tests import BaseCase, tagged

from ..tools import own_path


@tagged("post_install", "-at_install")
class TestOwnPath(BaseCase):
    """Where a link leads a visitor back to: pages of this site only."""

    def test_pages_of_this_site(self):
        for path in ("/trainings", "/trainings/12?attendee=3#book", "/", "/a%20b"):
            self.assertEqual(own_path(path), path)

    def test_other_sites(self):
        for address in (
                "//odd.example", "/\t/odd.example", "/\n/odd.example", "\\\\odd.example",
                "/\\odd.example", "https://odd.example", "https:odd.example", "javascript:x()",
                "odd.example", "", "/" + "x" * 2000, "http://[",
                "\t//odd.example"):
            self.assertIsNone(own_path(address), address)
