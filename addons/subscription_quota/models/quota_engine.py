import re

from odoo import models
from odoo.tools import SQL, file_open


class QuotaEngine(models.AbstractModel):
    """Puts the functions of the engine into the database; see ``sql/``."""

    _name = "quota.engine"
    _description = "Quota Engine"

    def init(self):
        """Create the functions of the engine in the database."""
        for source in self._sources():
            self.env.cr.execute(source)

    def _sources(self):
        for name in ("quota_engine", "quota_undo"):
            with file_open(f"subscription_quota/sql/{name}.sql") as file:
                yield file.read()

    def _drop_functions(self):
        """Take the functions out of the database: the addon is being uninstalled."""
        for source in self._sources():
            for name in re.findall(r"^CREATE OR REPLACE FUNCTION (\w+)", source, re.MULTILINE):
                self.env.cr.execute(SQL("DROP FUNCTION %s", SQL.identifier(name)))
