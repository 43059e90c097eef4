import contextlib
from unittest.mock import patch

import psycopg2.errors

from odoo import SUPERUSER_ID, api, sql_db
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import mute_logger

from ..tools import lock_in_order, queue, take_turn


@tagged("post_install", "-at_install")
class TestQueue(BaseCase):
    """Transactions of their own that write nothing: two of them really meet."""

    @contextlib.contextmanager
    def transaction(self, lang="en_US"):
        with Registry(get_db_name()).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {"lang": lang})

    def row_is_locked(self, record):
        with sql_db.db_connect(get_db_name()).cursor() as cr, mute_logger("odoo.sql_db"):
            try:
                cr.execute(
                    f"SELECT FROM {record._table} WHERE id = %s FOR NO KEY UPDATE NOWAIT",
                    [record.id])
            except psycopg2.errors.LockNotAvailable:
                return True
        return False

    def test_one_after_another(self):
        """The place in line is held until the transaction ends, by commit or rollback."""
        for end in ("commit", "rollback"):
            with self.transaction() as first, self.transaction() as second, \
                    patch.object(queue, "WAIT_SECONDS", 0.2):
                company = first.ref("base.main_company")
                take_turn(first, company)
                with self.assertRaisesRegex(UserError, "Nothing was changed"):
                    take_turn(second, company.with_env(second))
                getattr(first.cr, end)()
                take_turn(second, company.with_env(second))

    def test_another_row_does_not_wait(self):
        with self.transaction() as first, self.transaction() as second, \
                patch.object(queue, "WAIT_SECONDS", 0.2):
            take_turn(first, first.ref("base.main_company"))
            take_turn(second, second.ref("base.user_admin"), second.ref("base.main_partner"))

    def test_refused_in_french(self):
        with self.transaction() as first, self.transaction("fr_FR") as second, \
                patch.object(queue, "WAIT_SECONDS", 0.2):
            take_turn(first, first.ref("base.main_company"))
            with self.assertRaisesRegex(UserError, "Rien n’a été modifié"):
                take_turn(second, second.ref("base.main_company"))

    def test_rows_are_locked(self):
        with self.transaction() as env:
            company, admin = env.ref("base.main_company"), env.ref("base.user_admin")
            lock_in_order(company, admin.browse())
            self.assertTrue(self.row_is_locked(company))
            self.assertFalse(self.row_is_locked(admin))
        self.assertFalse(self.row_is_locked(company))
