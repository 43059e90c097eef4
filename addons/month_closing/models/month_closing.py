import re
from datetime import date

from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date
from odoo.tools.misc import formatLang

from ..tools import Period, number_of

MONTH = re.compile(r"(20\d\d|2100)-(0[1-9]|1[0-2])")
READERS = ("account.group_account_readonly", "account.group_account_manager")
ROWS_SHOWN = 40  # of a table on the page; the workbook has them all


class MonthClosing(models.AbstractModel):
    """« Clôture du mois »: what is to be done and what agrees in a civil month of a company.

    The page keeps nothing: it asks, each time, the methods that other screens ask. Rooms above add
    their section in :meth:`_sections`. The parts: ``month_closing_vat`` and
    ``month_closing_accounts`` (VAT and its accounts), ``month_closing_return`` (the lines of the
    French return), ``month_closing_deferral``, ``month_closing_documents``,
    ``month_closing_xlsx``.
    """

    _name = "month.closing"
    _description = "Closing of the Month"

    # The page -----------------------------------------------------------------------------------

    @api.model
    def get_page(self, month=None):
        """Return the page of a month of the current company.

        :param str month: such as 2026-11; by default the last one that is over, where the company
            is
        :return: dict of plain values for the browser
        :raise AccessError: the user is no accountant
        :raise UserError: there is no such month
        """
        period = self._period(self.env.company, month)
        page = self._build(period)
        for part in (table for each in page["sections"] for table in each["tables"]):
            part["more"] = max(0, len(part["rows"]) - ROWS_SHOWN)
            if part["more"]:  # and the total
                part["rows"] = part["rows"][:ROWS_SHOWN - 1] + part["rows"][-1:]
        return page

    @api.model
    def action_lock(self, month):
        """Open the dialog that locks a month of the current company.

        :param str month: such as 2026-11
        :raise UserError: the month is not over
        """
        return self.env["month.lock"]._open(self._period(self.env.company, month))

    @api.model
    def action_fec(self, month):
        """Open the export of the FEC (LPF, art. A47 A-1) on a month.

        :param str month: such as 2026-11
        """
        period = self._period(self.env.company, month)
        action = self.env["ir.actions.act_window"]._for_xml_id("invoice_europe.fec_export_action")
        return {**action, "context": {
            "default_date_from": str(period.first), "default_date_to": str(period.last)}}

    @api.model
    def action_integrity(self):
        """Print Odoo's own check that secured entries were not changed."""
        self._period(self.env.company)
        return self.env.company._action_check_hash_integrity()

    @api.model
    def _period(self, company, month=None):
        """Return a month of a company, once it is clear that the user may see it.

        :raise AccessError: the user is no accountant, or not of this company
        :raise UserError: there is no such month
        """
        if not any(self.env.user.has_group(group) for group in READERS):
            raise AccessError(self.env._("The closing of the month is for accountants."))
        if company not in self.env.user.company_ids:
            raise AccessError(self.env._(
                "You do not work for this company: choose one of yours at the top right."))
        if not month:
            return Period(company, company._closing_today().replace(day=1)).shifted(-1)
        if not isinstance(month, str) or not MONTH.fullmatch(month):
            raise UserError(self.env._("“%(month)s” is no month: write it as 2026-11.",
                                       month=str(month)[:20]))
        return Period(company, date(int(month[:4]), int(month[5:]), 1))

    @api.model
    def _build(self, period, key=None):
        """Build the page of a month, or one section of it.

        :param str key: of the section; None for all
        :return: dict
        """
        # sudo: totals of one company whose books the user may see, see :meth:`_period`
        books = self.sudo().with_company(period.company)
        sections = [build(period) for name, build in books._sections() if key in (None, name)]
        today = period.company._closing_today()
        return {
            "month": period.name,
            "label": format_date(self.env, period.first, date_format="MMMM y").capitalize(),
            "company_id": period.company.id, "company": period.company.name,
            "currency_id": period.company.currency_id.id,
            "previous": period.shifted(-1).name, "next": period.shifted(1).name,
            "is_over": period.last < today,
            "todo": number_of(sections, "todo"), "wrong": number_of(sections, "wrong"),
            "is_locked": books._is_locked(period), "locks": books._locks(period),
            "can_lock": self.env.user.has_group("account.group_account_manager"),
            "sections": sections,
        }

    def _sections(self):
        """Return what builds the sections of a month, in the order of the page.

        Extension point: rooms above insert their own. Called with the rights of the system; the
        reader's were checked.

        :return: list of (key, method that takes a :class:`tools.Period` and returns a
            :func:`tools.section`)
        """
        return [
            ("vat", self._vat_section), ("ca3", self._return_section), ("oss", self._oss_section),
            ("deferral", self._deferral_section), ("documents", self._documents_section),
            ("evidence", self._evidence_section), ("security", self._security_section)]

    def _place_of(self, key, sections):
        """Return where a section stands among others; at the end when it does not."""
        return next(
            (place for place, (name, _build) in enumerate(sections) if name == key), len(sections))

    # Locks --------------------------------------------------------------------------------------

    def _locks(self, period):
        """Return the lock dates of the company, and whether each covers the month.

        :return: list of dict: field, name, date (text, empty for none), covers
        """
        company = period.company.sudo()  # sudo: as in :meth:`_build`
        labels = company.fields_get(company._closing_lock_fields())
        return [{
            "field": name, "name": labels[name]["string"],
            "date": format_date(self.env, company[name]) if company[name] else "",
            "covers": bool(company[name]) and company[name] >= period.last,
        } for name in company._closing_lock_fields()]

    def _is_locked(self, period):
        """Tell whether nothing can be posted in the month any more."""
        return any(lock["covers"] for lock in self._locks(period)
                   if lock["field"] in ("fiscalyear_lock_date", "hard_lock_date"))

    # Lists --------------------------------------------------------------------------------------

    def _open_list(self, name, model, domain, **vals):
        """Return the action that opens a list from the page.

        :param str name: translated
        """
        return {
            "type": "ir.actions.act_window", "name": name, "res_model": model,
            "views": [[False, "list"], [False, "form"]], "domain": domain, "context": {}, **vals}

    def _open_items(self, name, domain):
        """Return the action that opens journal items."""
        view = self.env.ref("account.view_move_line_tree", raise_if_not_found=False)
        return self._open_list(name, "account.move.line", domain, views=[
            [view.id if view else False, "list"], [False, "form"]])

    def _open_records(self, name, records):
        """Return the action that opens these records."""
        domain = [("id", "in", records.ids)]
        if records._name == "account.move.line":
            return self._open_items(name, domain)
        return self._open_list(name, records._name, domain)

    def _entry_details(self, items, limit=8):
        """Name the entries of journal items: number, day, wording and amount.

        :param items: ``account.move.line``
        :return: list of str; the last one says how many more there are
        """
        details = [self.env._(
            "%(entry)s of %(date)s, “%(label)s”: %(amount)s",
            entry=item.move_id.name, date=format_date(self.env, item.date),
            label=item.name or item.move_id.ref or "",
            amount=item.company_currency_id.format(-item.balance)) for item in items[:limit]]
        if len(items) > limit:
            details.append(self.env._("and %(count)s more", count=len(items) - limit))
        return details

    # Files --------------------------------------------------------------------------------------

    def _download(self, company, month, extension, key=None):
        """Make a file of a month's page, or of one section.

        :param str extension: xlsx or pdf
        :return: (file name, bytes)
        :raise AccessError: the user is no accountant, or not of this company
        :raise UserError: there is no such month
        :raise LookupError: there is no such section or kind of file
        """
        page = self._build(self._period(company, month), key)
        if not page["sections"]:
            raise LookupError(key)
        if extension == "xlsx":
            return self._file_name(page, extension), self._build_workbook(page)
        if extension != "pdf":
            raise LookupError(extension)
        content, _kind = self.env["ir.actions.report"]._render_qweb_pdf(
            "month_closing.report_month_closing", company.ids,
            data={"month": month, "section": key})
        return self._file_name(page, extension), content

    def _show(self, company, kind, value):
        """Write a value of a table as its column wants it.

        :param str kind: see :func:`tools.column`
        """
        if value is None or value == "":
            return ""
        if kind == "money":
            return company.currency_id.format(value)
        if kind == "whole":
            return formatLang(self.env, value, digits=0)
        if kind == "rate":
            return f"{formatLang(self.env, value, digits=2)} %"
        return value

    def _file_name(self, page, extension):
        """Return the name of a file of the page, or of its only section."""
        only = page["sections"][0]["name"] if len(page["sections"]) == 1 else None
        return " – ".join(filter(None, [
            self.env._("Closing"), page["month"], only])).replace("/", "-") + f".{extension}"
