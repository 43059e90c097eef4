import pytz

from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

PAGE = 5000
EXPORT_GROUPS = (
    "credit_wallet.group_credit_user,account.group_account_readonly,"
    "account.group_account_invoice")


class CreditDownloadMixin(models.AbstractModel):
    """Rows for a spreadsheet of any length, with one page of records in memory at a time."""

    _name = "credit.download.mixin"
    _description = "Export of Credits"

    _export_fields = ()  # names of the columns, in their order; modules may add theirs

    @api.model
    def _check_export_access(self):
        """Refuse everyone but staff: customers have their own pages.

        :raise AccessError: neither a user of credits nor an accountant
        """
        self.check_access("read")
        if not self.env.user.has_groups(EXPORT_GROUPS):
            raise AccessError(self.env._(
                "Exports are for users of credits and accountants. Ask your administrator."))

    @api.model
    def _export_rows(self, domain, names=None):
        """Yield the header, then a list of cells per record the user may see, by id.

        Pages follow each other by id, so that the millionth row costs as much as the first.
        """
        names = names or self._export_fields
        fields = [self._fields[name] for name in names]
        yield [field._description_string(self.env) for field in fields]
        cells = [self._export_reader(field) for field in fields]
        last = 0
        while records := self.search_fetch(
                Domain(domain) & Domain("id", ">", last), names,
                limit=PAGE, order="id"):
            for record in records:
                yield [cell(record) for cell in cells]
            last = records[-1].id
            self.env.invalidate_all()

    @api.model
    def _export_reader(self, field):
        """Return a function that gives the cell of a record: text, number, date, or None."""
        name = field.name
        if field.relational:
            return lambda record: record[name].display_name or None
        if field.type == "selection":
            labels = dict(field._description_selection(self.env))
            return lambda record: labels.get(record[name])
        if field.type == "datetime":
            timezone = pytz.timezone(self.env.user.tz or "UTC")
            return lambda record: record[name] and pytz.utc.localize(
                record[name].replace(microsecond=0)).astimezone(timezone).replace(tzinfo=None)
        if field.type in ("integer", "float", "monetary"):
            return lambda record: record[name]
        return lambda record: record[name] or None
