from odoo import api, models
from odoo.exceptions import ValidationError


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    @api.constrains("state", "is_published", "company_id")
    def _check_legal_mentions(self):
        """Allow no sale before its invoice would be legal.

        Sources: CGI, art. 289, II, and art. 1737, II (15 € a missing mention). A provider in test
        mode may be published.

        :raise ValidationError: the company misses a legal mention
        """
        for provider in self:
            if provider.state != "enabled" or not provider.is_published:
                continue
            # sudo: which mentions are missing follows from the company
            missing = provider.company_id.sudo()._legal_missing()
            if missing:
                raise ValidationError(self.env._(
                    "%(provider)s cannot take real payments yet: the invoices of "
                    "%(company)s would lack %(mentions)s. Complete them in Settings / "
                    "Invoicing / Legal mentions, or keep the provider in test mode.",
                    provider=provider.name, company=provider.company_id.name,
                    mentions=", ".join(item["name"] for item in missing)))
