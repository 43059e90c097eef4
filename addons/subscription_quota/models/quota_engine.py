from odoo import models
from odoo.tools import file_open


class QuotaEngine(models.AbstractModel):
    """Puts the functions of the engine into the database; see ``sql/``."""

    _name = "quota.engine"
    _description = "Quota Engine"

    def init(self):
        for name in ("quota_engine", "quota_undo"):
            with file_open(f"subscription_quota/sql/{name}.sql") as source:
                self.env.cr.execute(source.read())
