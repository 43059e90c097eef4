import re

from odoo import api, models
from odoo.exceptions import ValidationError

from odoo.addons.base_iban.models.res_partner_bank import validate_iban

from ..tools import without_separators


class ResPartnerBank(models.Model):
    _inherit = "res.partner.bank"

    @api.constrains("acc_number")
    def _check_iban_key(self):
        """Refuse a mistyped IBAN, which Odoo would take for a number of another kind and print.

        :raise ValidationError: it begins like an IBAN and its key is wrong (ISO 13616)
        """
        for account in self:
            number = without_separators(account.acc_number)
            if re.match(r"[A-Z]{2}\d{2}", number) and not _is_iban(number):
                raise ValidationError(self.env._(
                    "“%(number)s” is not a valid IBAN: a character is wrong, missing or "
                    "repeated. Copy it again from the bank’s own document.",
                    number=account.acc_number))


def _is_iban(number):
    """Tell whether a number is an IBAN with the right key."""
    try:
        validate_iban(number)
    except ValidationError:
        return False
    return True
