from odoo import fields, models


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    paper_archival = fields.Boolean(
        string="Archival PDF (PDF/A-3)",
        help="The file holds all it needs to be read in years (ISO 19005-3, level B), and may "
        "carry other files, as Factur-X asks. Only with the WeasyPrint engine.")
