from odoo import api, models
from odoo.exceptions import ValidationError

# Characters of what customers type about themselves. It is printed on every document: a street of
# 20,000 characters took a minute to lay out.
MAX_LENGTHS = {
    "name": 256, "company_name": 256, "function": 128, "street": 256, "street2": 256, "city": 128,
    "zip": 24, "phone": 64, "email": 254, "vat": 32, "website": 512}


class ResPartner(models.Model):
    _inherit = "res.partner"

    @api.constrains(*MAX_LENGTHS)
    def _check_lengths(self):
        """Refuse names and addresses that no document has room for, whoever sends them."""
        for partner in self:
            for name, most in MAX_LENGTHS.items():
                if len(partner[name] or "") > most:
                    raise ValidationError(self.env._(
                        "%(field)s: %(most)s characters at most. Shorten it.",
                        field=self._fields[name]._description_string(self.env), most=most))
