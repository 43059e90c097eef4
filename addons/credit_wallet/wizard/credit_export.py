import json
from datetime import datetime, time, timedelta
from urllib.parse import urlencode

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

SELECTION_LIMIT = 500  # ids that fit in an address; more are a whole search


class CreditExport(models.TransientModel):
    """The choice of the entries to export, of their period, and of the format."""

    _name = "credit.export"
    _description = "Export of Wallets, Lots or Ledger"

    model = fields.Selection(
        [("credit.entry", "Ledger"), ("credit.lot", "Lots"), ("credit.wallet", "Wallets")],
        string="What", required=True, default="credit.entry")
    search_domain = fields.Char(readonly=True, default="[]")
    date_from = fields.Date(string="From")
    date_to = fields.Date(string="To")
    extension = fields.Selection(
        [("xlsx", "Excel (XLSX)"), ("csv", "CSV")], string="Format", required=True,
        default="xlsx")

    @api.model
    def default_get(self, fields):
        """Start from the entries that the list shows, or from the lines selected in it."""
        values = super().default_get(fields)
        context = self.env.context
        if context.get("active_model") in dict(self._fields["model"].selection):
            values["model"] = context["active_model"]
            ids = context.get("active_ids") or []
            domain = [("id", "in", ids)] if 0 < len(ids) <= SELECTION_LIMIT else (
                context.get("active_domain") or [])
            values["search_domain"] = json.dumps(domain)
        return values

    def action_export(self):
        """Download the file; the route checks the access of the user."""
        self.ensure_one()
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise UserError(self.env._("The period ends before it starts. Swap the dates."))
        query = urlencode({
            "domain": json.dumps(list(self._export_domain())), "period": self._period_label()})
        return {
            "type": "ir.actions.act_url", "target": "download", "close": True,
            "url": f"/credits/export/{self.model}.{self.extension}?{query}",
        }

    def _period_label(self):
        """Return the period for the name of the file: a month, some days, or nothing."""
        begin, end = self.date_from, self.date_to
        if self.model == "credit.wallet" or not begin or not end:
            return ""
        if begin.day == 1 and end == begin + relativedelta(day=31):
            return f"{begin:%Y-%m}"
        return f"{begin} – {end}"

    def _export_domain(self):
        domain = Domain(json.loads(self.search_domain)) & Domain(
            "company_id", "in", self.env.companies.ids)
        if self.model == "credit.wallet":
            return domain
        date_field = "date" if self.model == "credit.entry" else "create_date"
        if self.date_from:
            domain &= Domain(date_field, ">=", self._midnight(self.date_from))
        if self.date_to:
            domain &= Domain(date_field, "<", self._midnight(self.date_to + timedelta(days=1)))
        return domain

    def _midnight(self, day):
        """Return the beginning of a local day, in UTC, as text."""
        timezone = pytz.timezone(self.env.user.tz or "UTC")
        local = timezone.localize(datetime.combine(day, time.min))
        return fields.Datetime.to_string(local.astimezone(pytz.utc).replace(tzinfo=None))
