from odoo import api, models


class IrModuleModule(models.Model):
    _inherit = "ir.module.module"

    @api.model
    def _load_module_terms(self, modules, langs, overwrite=False):
        """Renew the translations of mail templates that nobody edited, as updates do the source."""
        result = super()._load_module_terms(modules, langs, overwrite=overwrite)
        self.env["mail.template"]._renew_translations(modules)
        return result
