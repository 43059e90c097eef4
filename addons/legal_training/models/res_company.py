from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    training_region = fields.Char(
        string="Region of the declaration",
        help="The region whose prefect registered the training body, as it follows “préfet de "
        "région”: “Auvergne-Rhône-Alpes”.")

    def _legal_training_mention(self):
        """Return the declaration of activity, as worded by the Code du travail, art. R6351-6.

        The wording is prescribed by French law and stays French in any language.
        """
        self.ensure_one()
        if not self.training_declaration:
            return ""
        text = f"Déclaration d’activité enregistrée sous le numéro {self.training_declaration}"
        if self.training_region:
            text += f" auprès du préfet de région {self.training_region}"
        return f"{text}. Cet enregistrement ne vaut pas agrément de l’État."

    def _legal_checklist(self):
        """Add the declaration of training bodies (Code du travail, art. L6351-1)."""
        items = super()._legal_checklist()
        if items and self._legal_sells_trainings():
            items.append({
                "code": "training",
                "name": self.env._("its training declaration (number and region)"),
                "done": bool(self.training_declaration and self.training_region),
                "source": "Code du travail, art. R6351-6", "required": True})
        return items

    def _legal_sells_trainings(self):
        # sudo: only whether there are any
        return bool(self.env["event.event"].sudo().search_count(
            [("is_training", "=", True), ("company_id", "in", (False, self.id))], limit=1))
