from odoo import models


class CreditEntry(models.Model):
    _inherit = "credit.entry"

    def _prepare_consumption_lines(self, product, label):
        """Put the training's analytic account on what it earns, not on the credits that pay it."""
        commands = super()._prepare_consumption_lines(product, label)
        account_id = self.env.context.get("training_analytic_account_id")
        for _command, _id, line in commands if account_id else []:
            if line.get("product_id"):
                line["analytic_distribution"] = {str(account_id): 100}
        return commands
