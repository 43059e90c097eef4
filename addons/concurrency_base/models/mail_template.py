from odoo import api, models


class MailTemplate(models.Model):
    """Templates of addons that stand on this one are renewed by updates until staff edit them.

    Their data files are loaded again at each update. Odoo skips the records whose external
    identifier says ``noupdate``: here it says so as soon as somebody writes to the template.
    """

    _inherit = "mail.template"

    def write(self, vals):
        """Protect the template from updates, now that somebody edited it."""
        result = super().write(vals)
        if not self.env.context.get("install_module"):  # set while a data file is loaded
            self._identifiers().filtered(lambda each: not each.noupdate).noupdate = True
        return result

    def _check_can_be_rendered(self, fnames=None, render_options=None):
        """Leave out the check in an update: it renders the template about whatever record comes
        first, in a database whose addons are loaded half, and would stop the update.
        """
        if self.env.context.get("install_module"):
            return None
        return super()._check_can_be_rendered(fnames=fnames, render_options=render_options)

    def reset_template(self):
        """Let updates renew the template again: its text is that of the addon."""
        self.check_access("write")
        result = super().reset_template()
        self._identifiers().noupdate = False
        return result

    def _identifiers(self):
        """Return the external identifiers that addons standing on this one gave the templates.

        :rtype: ir.model.data
        """
        # Whoever may edit a template need not see identifiers; callers have checked the template.
        return self.env["ir.model.data"].sudo().search([
            ("model", "=", "mail.template"), ("res_id", "in", self.ids),
            ("module", "in", self._addons_above())])

    @api.model
    def _addons_above(self):
        """List the names of the installed addons that stand on this one."""
        return self.env["ir.module.module"]._get(
            "concurrency_base").downstream_dependencies().mapped("name")

    @api.model
    def _renew_translations(self, modules):
        """Load the translations of templates that nobody edited, replacing those that are there.

        Odoo's own loading only adds translations that are missing, so that a renewed subject would
        keep the translation of the former one.

        :param modules: names of the addons whose translations are being loaded
        """
        # The server loads translations; nothing is shown to a user.
        identifiers = self.env["ir.model.data"].sudo().search([
            ("model", "=", "mail.template"), ("noupdate", "=", False),
            ("module", "in", list(set(modules) & set(self._addons_above())))])
        for module, found in identifiers.grouped("module").items():
            self._override_translation_term(module, found.mapped("complete_name"))
