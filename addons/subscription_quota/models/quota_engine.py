from odoo import models
from odoo.tools import file_open


class QuotaEngine(models.AbstractModel):
    """Puts the functions of the engine into the database; see ``sql/quota_engine.sql``."""

    _name = "quota.engine"
    _description = "Quota Engine"

    def init(self):
        with file_open("subscription_quota/sql/quota_engine.sql") as source:
            self.env.cr.execute(source.read())
