from markupsafe import Markup, escape

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date

from ..tools import number_of

LOCKED_BY_DEFAULT = (
    "sale_lock_date", "purchase_lock_date", "tax_lock_date", "fiscalyear_lock_date")


class MonthLock(models.TransientModel):
    """« Verrouiller le mois »: what is still open, what would change, then the lock dates."""

    _name = "month.lock"
    _description = "Lock a Month"

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    month = fields.Char(required=True, readonly=True, help="Such as 2026-11.")
    open_html = fields.Html(compute="_compute_open_html", string="Still open")
    open_count = fields.Integer(compute="_compute_open_html")
    change_html = fields.Html(compute="_compute_change_html", string="What changes")
    sale_lock_date = fields.Date(
        string="Sales", help="No customer invoice or credit note is posted until this day.")
    purchase_lock_date = fields.Date(
        string="Purchases", help="No vendor bill or refund is posted until this day.")
    tax_lock_date = fields.Date(
        string="VAT return", help="No entry that changes the return is posted until this day.")
    fiscalyear_lock_date = fields.Date(
        string="Everything", help="No entry is posted until this day. Can be opened again here.")
    hard_lock_date = fields.Date(
        string="Everything, for good",
        help="Nobody can ever open these days again, nor make an exception.")

    @api.model
    def _open(self, period):
        """Return the action that opens the dialog for a month.

        :raise AccessError: the user may not set lock dates
        :raise UserError: the month is not over
        """
        self._check_may_lock(period)
        company = period.company.sudo()  # sudo: lock dates, for who was just checked
        lock = self.create({
            "company_id": company.id, "month": period.name,
            "hard_lock_date": company.hard_lock_date,
            **{name: max(company[name] or period.last, period.last)
               for name in LOCKED_BY_DEFAULT}})
        return {
            "type": "ir.actions.act_window", "res_model": self._name, "res_id": lock.id,
            "name": self.env._("Lock the month"), "views": [[False, "form"]], "target": "new"}

    def _check_may_lock(self, period):
        if not self.env.user.has_group("account.group_account_manager"):
            raise AccessError(self.env._(
                "Only an accounting administrator locks a month: ask one."))
        if period.last >= period.company._closing_today():
            raise UserError(self.env._(
                "%(month)s is not over: nothing could be posted until %(day)s. Lock it from the "
                "day after.", month=format_date(
                    self.env, period.first, date_format="MMMM y").capitalize(),
                day=format_date(self.env, period.last)))

    def _period(self):
        """Return the month, once it is clear that the user may lock it."""
        self.ensure_one()
        period = self.env["month.closing"]._period(self.company_id, self.month)
        self._check_may_lock(period)
        return period

    @api.depends("company_id", "month")
    def _compute_open_html(self):
        for lock in self:
            closing = lock.env["month.closing"]
            sections = closing._build(lock._period())["sections"]
            lock.open_count = number_of(sections, "todo", "wrong")
            lock.open_html = Markup("<ul>%s</ul>") % Markup().join(
                Markup("<li><strong>%s</strong> – %s%s</li>") % (
                    each["name"], check["name"],
                    Markup(" (%s)") % escape(check["count"]) if check["count"] else "")
                for each in sections for check in each["checks"]
                if check["state"] in ("todo", "wrong")) if lock.open_count else False

    @api.depends("company_id", "month", *LOCKED_BY_DEFAULT, "hard_lock_date")
    def _compute_change_html(self):
        for lock in self:
            changes = lock._changes()
            lock.change_html = Markup("<ul>%s</ul>") % Markup().join(
                Markup("<li>%s</li>") % line for line in changes) if changes else False

    def _changes(self):
        """Say which lock date goes from which day to which.

        :return: list of str, empty when nothing changes
        """
        company = self.company_id.sudo()  # sudo: as in :meth:`_open`
        none = self.env._("none")
        return [
            self.env._("%(lock)s: %(before)s → %(after)s",
                       lock=self._fields[name]._description_string(self.env),
                       before=format_date(self.env, company[name]) or none,
                       after=format_date(self.env, self[name]) or none)
            for name in company._closing_lock_fields() if company[name] != self[name]]

    def action_lock(self):
        """Set the lock dates of the company as the dialog says.

        Odoo refuses some by itself, and we those that are yet to come; the company's history
        keeps who changed what.

        :raise UserError: nothing changes, or a date is refused
        """
        self._period()
        if not self._changes():
            raise UserError(self.env._("Nothing changes: choose other days, or close."))
        # sudo: lock dates are written on the company, for the accounting administrator who was
        # just checked
        company = self.company_id.sudo()
        company.write({
            name: self[name] for name in company._closing_lock_fields()
            if company[name] != self[name]})
        return {"type": "ir.actions.act_window_close"}
