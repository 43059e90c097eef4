from unittest.mock import patch

from odoo.tests import tagged

from .common import PaidValueCommon


@tagged("post_install", "-at_install")
class TestWithdrawal(PaidValueCommon):
    """A refund at any provider is followed by whoever extends `_withdraw`, once it is done."""

    def test_refund(self):
        provider = self.env["payment.provider"].search([("code", "=", "none")], limit=1)
        paid = self.env["payment.transaction"].create({
            "provider_id": provider.id, "reference": "PAID",
            "payment_method_id": self.env.ref("payment.payment_method_unknown").id,
            "amount": 100.0, "currency_id": self.env.company.currency_id.id,
            "partner_id": self.customer.id, "operation": "online_direct"})
        paid._set_done()
        withdrawn = []
        transactions = self.registry["payment.transaction"]
        with patch.object(transactions, "_create_payment", lambda *args, **kw: None), \
                patch.object(transactions, "_withdraw", lambda *args: withdrawn.append(args)):
            paid._post_process()
            self.assertFalse(withdrawn)
            refund = paid._create_child_transaction(40.0, is_refund=True)
            refund._set_pending()
            refund._post_process()
            self.assertFalse(withdrawn, "asked for, and not done yet")
            refund._set_done()
            refund._post_process()
        self.assertEqual(withdrawn, [(paid, 40.0, refund.reference)])
