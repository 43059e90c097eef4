from odoo import models
from odoo.tools import file_open


class QuotaEngine(models.AbstractModel):
    """Installer of the engine's SQL functions; see ``sql/``."""

    _name = "quota.engine"
    _description = "Quota Engine"

    def init(self):
        """Create the functions of the engine in the database."""
        for name in ("quota_engine", "quota_undo"):
            with file_open(f"subscription_quota/sql/{name}.sql") as source:
                self.env.cr.execute(source.read())
