from odoo import api, fields, models


class LegalCheck(models.TransientModel):
    _name = "legal.check"
    _description = "Legal mention to complete"

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    code = fields.Char(required=True, readonly=True)
    name = fields.Char(string="Mention", readonly=True)
    source = fields.Char(string="Asked for by", readonly=True)
    is_done = fields.Boolean(string="Filled in", readonly=True)
    is_required = fields.Boolean(
        string="Needed to sell", readonly=True,
        help="Without it, no payment provider takes real payments.")

    @api.model
    def _action_open_checklist(self, company):
        """Return the action that opens the checklist of a company as it is now."""
        lines = self.create([
            {"company_id": company.id, "code": item["code"],
             "name": item["name"][:1].upper() + item["name"][1:], "source": item["source"],
             "is_done": item["done"], "is_required": item["required"]}
            for item in (*company._legal_checklist(), *company._legal_advice())])
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "legal_invoice.legal_check_action")
        action["domain"] = [("id", "in", lines.ids)]
        return action

    def action_complete(self):
        """Open the form where the mention is typed.

        Extension point: an addon that adds items leads to its own place.
        """
        self.ensure_one()
        if self.code == "services":
            products = self.company_id._legal_wrong_services()
            return {**products._get_records_action(name=self.name), "target": "current"}
        if self.code == "vies":
            return self.env["ir.actions.act_window"]._for_xml_id("account.action_account_config")
        return {
            "type": "ir.actions.act_window", "res_model": "res.company",
            "res_id": self.company_id.id, "views": [(False, "form")],
            "context": {"form_view_initial_mode": "edit"},
        }
