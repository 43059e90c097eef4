import logging
import smtplib

from odoo import models

_logger = logging.getLogger(__name__)


class MailMail(models.Model):
    """The queue of mails, in which one mail stops nobody else's."""

    _inherit = "mail.mail"

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        """Leave out what was deleted since the queue was read: Odoo's run would end with it."""
        mails = self.exists() if auto_commit else self
        return super(MailMail, mails).send(
            auto_commit=auto_commit, raise_exception=raise_exception,
            post_send_callback=post_send_callback)

    def _send(self, auto_commit=False, post_send_callback=None, **options):
        """Send the mails of the queue one by one.

        A mail that another process sends, has sent or deleted meanwhile is left to it. Whatever
        else goes wrong with one, the others go on: it counts as dealt with, so that the scheduled
        action ends, and its next run tries again. Only a lost mail server ends the run.
        """
        if not auto_commit:
            return super()._send(
                auto_commit=auto_commit, post_send_callback=post_send_callback, **options)
        for mail in self:
            try:
                mail.invalidate_recordset()  # as it is now, after the commit of the one before
                super(MailMail, mail.try_lock_for_update(allow_referencing=True))._send(
                    auto_commit=auto_commit, post_send_callback=post_send_callback, **options)
            except (MemoryError, smtplib.SMTPServerDisconnected):
                raise
            except Exception:
                self.env.cr.rollback()
                _logger.warning("Mail %s is left for later", mail.id, exc_info=True)
            if post_send_callback:
                post_send_callback(mail.ids)
        return True
