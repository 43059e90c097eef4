from odoo.tests import TransactionCase, tagged

from ..hooks import ASYNC_EMAILS, post_init_hook, uninstall_hook


@tagged("post_install", "-at_install")
class TestAsyncEmails(TransactionCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.parameters = cls.env["ir.config_parameter"]
        cls.parameter = cls.parameters.search([("key", "=", ASYNC_EMAILS)])

    def installed_over(self, value, written):
        """Return the parameter after the addon was installed over a value last written when SQL
        says.
        """
        self.env["ir.model.data"].search(
            [("module", "=", "concurrency_base"), ("name", "=", "sale_async_emails")]).unlink()
        self.env.cr.execute(
            f"UPDATE ir_config_parameter SET value = %s, write_date = {written} WHERE id = %s",
            [value, self.parameter.id])
        self.parameter.invalidate_recordset()
        post_init_hook(self.env)
        return self.parameter

    def test_default_of_odoo_gives_way(self):
        """As sale brings it, and as it is in a database that never had it."""
        self.assertEqual(self.parameters.get_param(ASYNC_EMAILS), "True")
        self.assertEqual(self.installed_over("False", "create_date").value, "True")
        self.parameter.unlink()
        post_init_hook(self.env)
        self.assertEqual(self.parameters.get_param(ASYNC_EMAILS), "True")

    def test_choice_stays(self):
        """Who chose before the installation, and who chose since, keeps it so."""
        self.assertEqual(
            self.installed_over("False", "create_date + interval '1 hour'").value, "False")
        uninstall_hook(self.env)
        self.assertEqual(self.parameter.value, "False")

        self.parameter.value = "True"
        post_init_hook(self.env)
        uninstall_hook(self.env)
        self.assertEqual(self.parameter.value, "True")

    def test_uninstalled_and_installed_again(self):
        self.installed_over("False", "create_date")
        uninstall_hook(self.env)
        self.assertEqual(self.parameters.get_param(ASYNC_EMAILS), "False")
        post_init_hook(self.env)
        self.assertEqual(self.parameters.get_param(ASYNC_EMAILS), "True")
