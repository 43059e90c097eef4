from datetime import UTC, datetime

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from .res_users import reads_integrity

LOCK_FIELDS = (
    "sale_lock_date", "purchase_lock_date", "tax_lock_date", "fiscalyear_lock_date",
    "hard_lock_date")


class ResCompany(models.Model):
    _inherit = "res.company"

    @api.model
    def _closing_lock_fields(self):
        """Return the lock dates of Odoo, from the lightest to the one that cannot be undone."""
        return LOCK_FIELDS

    def _closing_today(self):
        """Return the civil day where the company is."""
        self.ensure_one()
        # sudo: where the company is
        return datetime.now(UTC).astimezone(
            pytz.timezone(self.sudo().partner_id.tz or "Europe/Paris")).date()

    def _validate_locks(self, values):
        """Refuse a lock date in the future: it would stop today's invoices and bookings.

        :raise UserError: a lock date is yet to come
        """
        for company in self:
            today = company._closing_today()
            for name in LOCK_FIELDS:
                day = fields.Date.to_date(values.get(name))
                if day and day > today and day != company[name]:
                    raise UserError(self.env._(
                        "%(lock)s of %(company)s cannot be %(date)s: that day is yet to come, and "
                        "nothing could be posted until then. Choose a day that is over.",
                        lock=company.fields_get([name])[name]["string"], company=company.name,
                        date=format_date(self.env, day)))
        return super()._validate_locks(values)

    def _check_hash_integrity(self):
        """Let accounting administrators check that secured entries were not changed.

        Community gives nobody the group that Odoo asks for.
        """
        return super(ResCompany, reads_integrity(self))._check_hash_integrity()
