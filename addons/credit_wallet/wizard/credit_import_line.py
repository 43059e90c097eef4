from odoo import fields, models


class CreditImportLine(models.TransientModel):
    """The result of the trial run for one line of the file."""

    _name = "credit.import.line"
    _description = "Line of an Import of Credits"
    _order = "id"

    import_id = fields.Many2one("credit.import", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="import_id.currency_id")
    line = fields.Integer(readonly=True)
    email = fields.Char(string="E-mail", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    credits = fields.Integer(readonly=True)
    price = fields.Monetary(string="Value per credit", readonly=True)
    expiry_date = fields.Date(string="Valid until", readonly=True)
    reason = fields.Char(readonly=True)
    status = fields.Char(readonly=True)
    is_wrong = fields.Boolean(readonly=True)
