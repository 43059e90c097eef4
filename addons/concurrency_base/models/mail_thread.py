from markupsafe import Markup

from odoo import models


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    def _notify_by_email_prepare_rendering_context(self, message, *args, **kwargs):
        """Sign with the company's name what no person wrote: nobody knows a « System »."""
        context = super()._notify_by_email_prepare_rendering_context(message, *args, **kwargs)
        if context["signature"] and context["author_user"] == self.env.ref("base.user_root"):
            context["signature"] = Markup("<div>-- <br/>%s</div>") % context["company"].name
        return context
