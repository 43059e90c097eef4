import ipaddress

from odoo import api, fields, models
from odoo.http import request

NETWORKS = {4: 24, 6: 48}  # bits that are kept of an IP address: those that tell the country


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    ip_country_id = fields.Many2one(
        "res.country", string="Country of the IP address", readonly=True, engine=True,
        groups="account.group_account_readonly,account.group_account_invoice")
    ip_network = fields.Char(
        string="Network of the IP address", readonly=True, engine=True,
        groups="account.group_account_readonly,account.group_account_invoice")
    card_country_id = fields.Many2one(
        "res.country", string="Country of the payment card", readonly=True, engine=True,
        groups="account.group_account_readonly,account.group_account_invoice")

    @api.model_create_multi
    def create(self, vals_list):
        """Keep the country of the IP address of customers who pay on a page, as evidence.

        Staff who charge a card leave none, and neither does a server without a GeoIP database.
        """
        seen = self._prepare_ip_vals()
        return super().create([{**vals, **seen} for vals in vals_list])

    @api.model
    def _prepare_ip_vals(self):
        """Return the values of the fields of the IP address, none without a customer's request."""
        if not request or request.env.user._is_internal():
            return {}
        country = self.env["res.country"].search(
            [("code", "=", request.geoip.country_code)], limit=1)
        address = ipaddress.ip_address(request.httprequest.remote_addr)
        network = ipaddress.ip_network((address, NETWORKS[address.version]), strict=False)
        return {"ip_country_id": country.id, "ip_network": str(network)}

    def _apply_updates(self, payment_data):
        """Keep the country of the card that a provider tells with the payment."""
        result = super()._apply_updates(payment_data)
        code = self._card_country_code(payment_data)
        if code:
            self.card_country_id = self.env["res.country"].search(
                [("code", "=", code.upper())], limit=1)
        return result

    @api.model
    def _card_country_code(self, payment_data):
        """Read which country's bank issued the card.

        Extension point: providers differ. Stripe gives its payment method with the data.

        :param dict payment_data: what the provider told
        :return: ISO code of the country, or None
        """
        method = payment_data.get("payment_method") if isinstance(payment_data, dict) else None
        card = method.get("card") if isinstance(method, dict) else None
        return card.get("country") if isinstance(card, dict) else None
