from odoo import models


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _slug(cls, value):
        """Keep the date out of the addresses of sessions: they outlive a move and a language."""
        if (isinstance(value, models.BaseModel) and value._name == "event.event"
                and value.is_training and not value.seo_name):
            value = (value.id, value.name)
        return super()._slug(value)
