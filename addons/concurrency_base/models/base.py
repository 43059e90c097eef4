from odoo import api, models
from odoo.exceptions import AccessError

from ..tools import as_engine, is_engine


class Base(models.AbstractModel):
    """Keep what the system writes from everybody else, whatever their role.

    ``readonly=True`` only concerns the web client, and the access rights are those of whole
    models. A field that only the system writes is declared by ``engine=True``, and a model of
    which it writes every row by ``_engine_only = True``. Whoever else gives a value for it, by a
    form, an import, RPC or ``/json/2``, is refused, administrators too. What a context or a user's
    defaults propose for such a field is left out, for the system too: it may act in the
    environment of somebody else.
    """

    _inherit = "base"

    _engine_only = False

    def _valid_field_parameter(self, field, name):
        return name == "engine" or super()._valid_field_parameter(field, name)

    @api.model
    def _is_engine_field(self, name):
        """Tell whether only the system writes the field."""
        field = self._fields.get(name)
        return bool(field and (self._engine_only or getattr(field, "engine", False)))

    def _check_by_engine(self, names):
        """Refuse values that somebody else than the system gives for the engine's fields.

        :param names: of the fields written
        :raise AccessError: naming the fields
        """
        if is_engine(self.env):
            return
        if refused := {name for name in names if self._is_engine_field(name)}:
            raise AccessError(self._engine_refusal(self._engine_labels(refused)))

    @api.model
    def _engine_labels(self, names):
        """Return the labels of these fields, for a sentence."""
        return ", ".join(sorted(
            self._fields[name]._description_string(self.env) for name in names))

    @api.model
    def _engine_refusal(self, labels):
        """Say why these fields cannot be written, and what to do instead."""
        return self.env._(
            "%(document)s: %(fields)s cannot be written by hand. Use the buttons and actions of "
            "the document.",
            document=self.env["ir.model"]._get(self._name).name, fields=labels)

    @api.model_create_multi
    def create(self, vals_list):
        """Create the records, unless the engine's fields are given by hand."""
        for vals in vals_list:
            self._check_by_engine(vals)
        return super().create(vals_list)

    def write(self, vals):
        """Update the records, unless the engine's fields are given by hand."""
        self._check_by_engine(vals)
        return super().write(vals)

    def unlink(self):
        """Delete the records, unless they are the engine's."""
        if self._engine_only:
            self._check_by_engine(self._fields)
        return super().unlink()

    def copy(self, default=None):
        """Copy the records with what the system keeps on them and means to be copied.

        Values for lines may hide such fields: with them, the copy is made by hand altogether.
        """
        values = default or {}
        self._check_by_engine(values)
        if any(isinstance(value, (list, tuple)) for value in values.values()):
            return super().copy(default=default)
        return super(Base, as_engine(self)).copy(default=default).with_env(self.env)

    def copy_data(self, default=None):
        """Leave out what the system wrote, unless it makes the copy."""
        vals_list = super().copy_data(default=default)
        if is_engine(self.env):
            return vals_list
        return [
            {name: value for name, value in vals.items()
             if name in (default or {}) or not self._is_engine_field(name)}
            for vals in vals_list]

    @api.model
    def default_get(self, fields):
        """Leave out what the context proposes for the engine's fields: anybody can send one."""
        claimed = {
            f"default_{name}" for name in fields
            if f"default_{name}" in self.env.context and self._is_engine_field(name)}
        if claimed:
            context = {
                key: value for key, value in self.env.context.items() if key not in claimed}
            cleaned = self.with_context(context)  # pylint: disable=context-overridden
            return super(Base, cleaned).default_get(fields)
        return super().default_get(fields)
