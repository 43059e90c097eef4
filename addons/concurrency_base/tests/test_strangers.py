"""What strangers type and send: names of odd characters, addresses without end."""

from odoo.exceptions import UserError, ValidationError
from odoo.tests import TransactionCase, tagged

from ..models.res_partner import MAX_LENGTHS
from ..tools import plain_line, safe_cell, tell_once


@tagged("post_install", "-at_install")
class TestStrangers(TransactionCase):

    def test_names_are_plain_lines(self):
        """No control characters, which XML cannot hold, nor marks that turn their neighbours."""
        odd = "Ève\x0b \x00\x1b[31m\u202egro.live\u2066\r\nBcc: all@example.com\x85 👩\u200d💻 שלום"
        plain = "Ève [31mgro.live Bcc: all@example.com 👩\u200d💻 שלום"
        self.assertEqual(plain_line(odd), plain)
        partner = self.env["res.partner"].create({"name": odd, "street": odd})
        self.assertEqual((partner.name, partner.street), (plain, plain))
        partner.city = "Ly\u202eon\n"
        self.assertEqual(partner.city, "Lyon ")
        partner.comment = "<p>two\nlines</p>"
        self.assertIn("\n", partner.comment)

    def test_lengths(self):
        """Issue 19, kind 3: a street of 20,000 characters took a minute to print."""
        for name, most in MAX_LENGTHS.items():
            if name in ("vat", "email", "phone", "website"):
                continue  # checked and formatted by others
            with self.subTest(field=name):
                partner = self.env["res.partner"].create({"name": "Ève", name: "x" * most})
                with self.assertRaisesRegex(ValidationError, "characters at most"):
                    partner.write({name: "x" * (most + 1)})

    def test_cells(self):
        for text in ("=1+1", "+33", "-1", "@x", "\t=1", "\n=1", "＝1"):
            self.assertEqual(safe_cell(text), f"'{text}")
        self.assertEqual(safe_cell("Ève"), "Ève")

    def test_what_staff_are_told_is_plain_text(self):
        """A reason may hold the name of a customer, which they chose."""
        order = self.env["sale.order"].create({
            "partner_id": self.env["res.partner"].create({"name": "Ève"}).id})
        tell_once(order, self.env.user, lambda env: "Look",
                  UserError('<a href="https://odd.example">Log in again</a>'))
        self.assertNotIn("<a", order.activity_ids.note)
        self.assertIn("&lt;a href", order.activity_ids.note)
