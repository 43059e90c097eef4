from odoo import api, models

from ..tools import COLORS


class ReportMonthClosing(models.AbstractModel):
    """What the PDF of a month shows: the page as it is at that moment."""

    _name = "report.month_closing.report_month_closing"
    _description = "Closing of the Month, PDF"

    @api.model
    def _get_report_values(self, docids, data=None):
        """Build the page for the company in `docids`.

        :param dict data: month (such as 2026-11), section (its key, or empty)
        :raise AccessError: the user is no accountant, or not of this company
        """
        data = data or {}
        closing = self.env["month.closing"]
        company = self.env["res.company"].browse(docids[:1])
        page = closing._build(
            closing._period(company, data.get("month")), data.get("section") or None)
        return {"doc_ids": company.ids, "doc_model": "res.company", "docs": company,
                "page": page, "labels": closing._state_labels(), "colors": COLORS,
                "show": closing._show}
