from lxml import etree

from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestScreens(TransactionCase):

    def test_lists_open_on_their_own(self):
        """A list opened from a menu has no `parent`: a column that asks for it stops the page."""
        views = self.env["ir.ui.view"].search([
            ("type", "=", "list"), ("model", "=like", "subscription.%")])
        self.assertTrue(views)
        for view in views:
            asking = etree.fromstring(view.arch).xpath(
                "/list/*[contains(@column_invisible, 'parent.')]/@name")
            self.assertFalse(asking, view.xml_id)
