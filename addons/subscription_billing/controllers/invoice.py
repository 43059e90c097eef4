from odoo.http import request

from odoo.addons.account.controllers.portal import PortalAccount
from odoo.addons.payment.controllers.post_processing import PaymentPostProcessing


def take_refusal(invoices):
    """Find why the payment of these invoices from which the visitor comes back was refused.

    The pages that Odoo's payment form leads to get no word of how the payment ended. It is told
    once: the session forgets the payment.

    :return: a sentence, or None
    """
    key = PaymentPostProcessing.MONITORED_TX_ID_KEY
    # sudo: the payment that this session has made
    payment = request.env["payment.transaction"].sudo().browse(request.session.get(key)).exists()
    if payment.state not in ("error", "cancel") or not payment.invoice_ids & invoices:
        return None
    del request.session[key]
    return payment.state_message or request.env._("The payment was refused.")


class InvoicePortal(PortalAccount):

    def _invoice_get_page_view_values(self, invoice, access_token, **kwargs):
        """Say on the page of an invoice that its payment was refused."""
        values = super()._invoice_get_page_view_values(invoice, access_token, **kwargs)
        return {**values, "payment_refusal": take_refusal(invoice)}
