from odoo.tests import tagged

from .common import CreditCommon


@tagged("post_install", "-at_install")
class TestPartnerButton(CreditCommon):

    def test_opens_the_wallet_or_an_empty_list(self):
        """A customer who has none yet: not the form of a wallet that nobody may create."""
        without = self.env["res.partner"].create({"name": "Without"})
        action = without.action_view_credit_wallet()
        self.assertFalse(action.get("res_id"))
        self.assertEqual(action["view_mode"].split(",")[0], "list")
        self.assertEqual(
            self.wallet.partner_id.action_view_credit_wallet()["res_id"], self.wallet.id)
