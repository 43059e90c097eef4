import contextlib

import psycopg2.errors

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import mute_logger


@tagged("post_install", "-at_install")
class TestFirstAllotment(BaseCase):
    """Real transactions, which commit, and take back what they wrote."""

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            self.employee_id = env["res.partner"].create({"name": "First Allotment"}).id
        self.addCleanup(self.forget)

    @contextlib.contextmanager
    def transaction(self):
        with Registry(get_db_name()).cursor() as cr:  # commits at its end
            yield api.Environment(cr, SUPERUSER_ID, {})

    def forget(self):
        with self.transaction() as env:
            wallets = env["credit.wallet"].search([("partner_id", "=", self.employee_id)])
            wallets.unlink()
            env["res.partner"].browse(self.employee_id).unlink()

    def own_wallet(self, env):
        company = env["credit.wallet"].new({"company_id": env.company.id})
        return company._own_wallet(env["res.partner"].browse(self.employee_id))

    def test_two_at_once(self):
        """The second to open an employee's wallet is tried again by Odoo; it then finds the first.

        Another error, of the unique key, would reach the manager.
        """
        with self.transaction() as second:
            second["credit.wallet"].search_count([])  # the snapshot is taken
            with self.transaction() as first:
                wallet_id = self.own_wallet(first).id
            with self.assertRaises(psycopg2.errors.SerializationFailure), \
                    mute_logger("odoo.sql_db"):
                self.own_wallet(second)
            second.cr.rollback()
            self.assertEqual(self.own_wallet(second).id, wallet_id)

