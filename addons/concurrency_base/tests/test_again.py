from psycopg2.errors import SerializationFailure

from odoo.tests import TransactionCase, tagged


def conflict(*args, **kwargs):
    raise SerializationFailure("could not serialize access due to concurrent update")


@tagged("post_install", "-at_install")
class TestAgain(TransactionCase):

    def test_a_conflict_does_not_wait_for_the_next_day(self):
        """Invoices to be sent: those of a run that met a conflict go out in another one."""
        self.env["ir.config_parameter"].set_param("sale.automatic_invoice", "True")
        for action, model, method, inside in (
                ("account.ir_cron_account_move_send", "account.move", "_cron_account_move_send",
                 ("account.move", "try_lock_for_update")),
                ("sale.send_invoice_cron", "payment.transaction", "_cron_send_invoice",
                 ("payment.transaction", "search"))):
            with self.subTest(action=action), self.enter_registry_test_mode(), \
                    self.registry.cursor() as cr:
                env = self.env(cr=cr)
                mine = [("cron_id", "=", env.ref(action).id)]
                before = env["ir.cron.trigger"].search_count(mine)
                self.patch(env.registry[inside[0]], inside[1], conflict)
                getattr(env[model], method)()
                self.assertEqual(env["ir.cron.trigger"].search_count(mine), before + 1)
