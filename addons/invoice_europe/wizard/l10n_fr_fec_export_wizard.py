import base64

from odoo import fields, models


class L10nFrFecExportWizard(models.TransientModel):
    """The file of accounting entries (LPF, art. L47 A and A47 A-1).

    Odoo Community can make it, but has no button for it.
    """

    _inherit = "l10n_fr.fec.export.wizard"

    fec_file = fields.Binary(string="File", readonly=True, attachment=False)

    def create_fec_report_action(self):
        """Make the file and download it.

        An official file, the one for the tax office, locks its period: a rule of Odoo's.
        """
        self.ensure_one()
        # sudo: the lock date of the company belongs to the file, and only accounting
        # managers reach this wizard.
        report = self.sudo().generate_fec()
        self.write({
            "filename": report["file_name"],
            "fec_file": base64.b64encode(report["file_content"])})
        return {
            "type": "ir.actions.act_url", "target": "download",
            "url": f"/web/content/{self._name}/{self.id}/fec_file/{self.filename}?download=true",
        }
