from unittest.mock import patch

from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server


@tagged("post_install", "-at_install")
class TestMailQueue(TransactionCase):
    """A mail that cannot be sent, or is gone, holds nobody else's up."""

    def setUp(self):
        super().setUp()
        self.env["mail.mail"].search([]).unlink()
        self.mails = self.env["mail.mail"].create([{
            "subject": f"Queue {number}", "body_html": "<p>Hello</p>", "state": "outgoing",
            "email_from": "centre@example.com", "email_to": f"camille{number}@example.com",
            "auto_delete": False} for number in range(4)])

    def run_queue(self, send):
        """Send the queue as the scheduled action does, with a mail server that calls `send`.

        :return: the subjects sent
        """
        sent, done = [], set()
        ids = self.mails.ids

        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = self.env(cr=cr)

            def send_email(_server, message, **kwargs):
                send(env, message["Subject"])
                sent.append(message["Subject"])
                return message["Message-Id"]

            with patch.object(IrMail_Server, "_disable_send", lambda _server: False), \
                    patch.object(IrMail_Server, "_connect__", lambda *args, **kwargs: None), \
                    patch.object(IrMail_Server, "send_email", send_email), \
                    mute_logger("odoo.addons.mail.models.mail_mail",
                                "odoo.addons.concurrency_base.models.mail_mail"):
                env["mail.mail"].browse(ids).send(
                    auto_commit=True, post_send_callback=lambda dealt: done.update(dealt))
        self.env.invalidate_all()
        self.assertEqual(done, set(ids), "what is not dealt with has the action run for ever")
        return sent

    def test_deleted_while_the_queue_is_sent(self):
        """Another process has sent the second one and deleted it: the others go out at once."""
        def send(env, subject):
            if subject == "Queue 0":
                env.cr.execute("DELETE FROM mail_mail WHERE id = %s", [self.mails[1].id])

        self.assertEqual(self.run_queue(send), ["Queue 0", "Queue 2", "Queue 3"])
        self.assertEqual((self.mails - self.mails[1]).mapped("state"), ["sent"] * 3)

    def test_error_of_one(self):
        """It is told, the others go out, and the run ends."""
        def send(_env, subject):
            if subject == "Queue 1":
                raise RuntimeError("no such thing")

        self.assertEqual(self.run_queue(send), ["Queue 0", "Queue 2", "Queue 3"])
        self.assertEqual(self.mails.mapped("state"), ["sent", "exception", "sent", "sent"])

    def test_error_that_nobody_expects(self):
        """One whose preparation breaks the database's transaction: left for the next run."""
        prepare = type(self.mails)._prepare_outgoing_list
        tries = []

        def break_one(mail, *args, **kwargs):
            if mail.subject == "Queue 1":
                tries.append(mail)
                mail.env.cr.execute("SELECT 1 / 0", log_exceptions=False)
            return prepare(mail, *args, **kwargs)

        with patch.object(type(self.mails), "_prepare_outgoing_list", break_one):
            sent = self.run_queue(lambda _env, _subject: None)
        self.assertEqual((sent, len(tries)), (["Queue 0", "Queue 2", "Queue 3"], 1))
        self.assertEqual(self.mails.mapped("state"), ["sent", "outgoing", "sent", "sent"])
