from odoo import api, models
from odoo.exceptions import ValidationError

from ..tools import plain_line

# Characters of what customers type about themselves. It is printed on every document: a street of
# 20,000 characters took a minute to lay out.
MAX_LENGTHS = {
    "name": 512, "company_name": 512, "function": 128, "street": 512, "street2": 512, "city": 128,
    "zip": 24, "phone": 64, "email": 254, "vat": 32, "website": 512}


class ResPartner(models.Model):
    _inherit = "res.partner"

    @api.model_create_multi
    def create(self, vals_list):
        """Keep names and addresses on one line of plain characters."""
        return super().create([_plain(vals) for vals in vals_list])

    def write(self, vals):
        """Keep names and addresses on one line of plain characters."""
        return super().write(_plain(vals))

    @api.constrains(*MAX_LENGTHS)
    def _check_lengths(self):
        """Refuse names and addresses that no document has room for, whoever sends them."""
        for partner in self:
            for _name, message in self._too_long(partner):
                raise ValidationError(message)

    @api.model
    def _too_long(self, values):
        """List what is too long of an address.

        :param values: a partner, or a dict of its values
        :return: list of (name of the field, message)
        """
        found = []
        for name, most in MAX_LENGTHS.items():
            if name in values and len(values[name] or "") > most:
                found.append((name, self.env._(
                    "%(field)s: %(most)s characters at most. Shorten it.",
                    field=self._fields[name]._description_string(self.env), most=most)))
        return found


def _plain(vals):
    """Return values whose texts have no characters that control a printer or a reader."""
    return {name: plain_line(value) if name in MAX_LENGTHS and isinstance(value, str) else value
            for name, value in vals.items()}
