from odoo import api, models


class IrDefault(models.Model):
    _inherit = "ir.default"

    @api.model
    def _get_model_defaults(self, model_name, condition=False):
        """Leave out the engine's fields: every employee may set defaults of their own."""
        model = self.env[model_name]
        return {
            name: value for name, value in super()._get_model_defaults(
                model_name, condition).items() if not model._is_engine_field(name)}
