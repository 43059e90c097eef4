from odoo import api, fields, models


class EventType(models.Model):
    _inherit = "event.type"

    analytic_account_id = fields.Many2one(
        "account.analytic.account", company_dependent=True, ondelete="restrict",
        groups="account.group_account_readonly,account.group_account_invoice",
        help="What the bookings of the training earn bears it.")

    @api.model_create_multi
    def create(self, vals_list):
        """Give new trainings their analytic accounts."""
        trainings = super().create(vals_list)
        trainings._make_analytic_accounts()
        return trainings

    def _make_analytic_accounts(self):
        """Give trainings an analytic account in each company that wants them, once."""
        companies = self.env["res.company"].sudo().search([
            ("analytic_offer_plan_id", "!=", False)])
        for company in companies:  # sudo: they follow from the setting, whoever creates them
            for training in self.sudo().with_company(company).filtered("is_training"):
                if not training.analytic_account_id:
                    training.analytic_account_id = company._make_analytic_account(training.name)
