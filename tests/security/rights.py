"""Find out who may do what, by doing it: each attempt is taken back."""

import contextlib
from datetime import timedelta
from functools import partial

from ops import paths

from .world import MAGIC, ROLES, our_models


def access_of(world, models=None, roles=ROLES, before=None):
    """Try each operation on each row as each role.

    :param before: called with the superuser's environment in the same transaction, to take
        something away; it is taken back, too
    :return: what could be allowed by model, and the set of cells that are
    """
    known, allowed = {}, set()
    with world.env() as env:
        names = models or our_models(env)
        for name in names:
            known[name] = [(operation, kind) for operation in ("read", "write", "unlink", "export")
                           for kind in world.rows[name]] + [("create", "")]
    for role in roles:
        with world.env(role) as env, prepared(env, before):
            for name in names:
                attempts = Attempts(env, world, name)
                allowed |= {(name, role, what) for what in known[name] if attempts.may(*what)}
    return known, allowed


@contextlib.contextmanager
def prepared(env, before):
    """Take something away; forget what is remembered of rights before and after."""
    if not before:
        yield
        return
    from odoo import SUPERUSER_ID

    before(env(user=SUPERUSER_ID))
    env.registry.clear_cache()
    try:
        yield
    finally:
        env.cr.rollback()
        env.registry.clear_cache()


class Attempts:
    """Attempts of one role at the rows of one model."""

    def __init__(self, env, world, name):
        self.env = env
        self.world = world
        self.model = env[name]

    def may(self, operation, kind):
        """Tell whether an operation goes through, or fails for another reason than rights."""
        if not self.model.has_access("read" if operation == "export" else operation):
            return False
        rows = self.model.browse(self.world.rows[self.model._name].get(kind))
        return attempt(self.env, lambda: getattr(self, f"_{operation}")(rows)) != "refused"

    def _read(self, rows):
        rows.check_access("read")
        rows.read(self._plain_field())

    def _export(self, rows):
        from odoo.exceptions import AccessError, UserError

        try:
            rows.export_data(self._plain_field())
        except UserError as error:  # how Odoo says that the role exports nothing at all
            raise AccessError(str(error)) from error

    def _write(self, rows):
        """Write nothing; or, where people write no field, what the system writes."""
        rows.check_access("write")
        field = a_field(self.model)
        rows.write({field: False} if self.model._is_engine_field(field) else {})

    def _unlink(self, rows):
        rows.unlink()

    def _create(self, _rows):
        self.model.create(dict(self.world.new_values[self.model._name]))

    def _plain_field(self):
        return ["create_date"] if self.model._log_access else [a_field(self.model)]


def attempt(env, act):
    """Do something and take it back.

    :return: ``done``; ``refused`` for want of a right; ``objected`` for any other reason
    """
    import psycopg2

    from odoo.exceptions import AccessError

    savepoint = env.cr.savepoint(flush=False)
    try:
        act()
        env.flush_all()
        return "done"
    except AccessError:
        return "refused"
    except psycopg2.Error:
        return "objected"
    except Exception:  # whatever else a model objects to: it let the role come that far
        return "objected"
    finally:
        savepoint.rollback()
        savepoint.close(rollback=False)
        env.transaction.clear()


def stored_fields(model):
    """List the names of the model's stored fields that hold something of their own."""
    return (name for name, field in model._fields.items()
            if field.store and name not in MAGIC and field.type != "one2many")


def a_field(model):
    """Return a field of the model that people write; where there is none, one of the system's."""
    names = list(stored_fields(model))
    return next((name for name in names if not model._is_engine_field(name)), names[0])


def our_stored_fields(env):
    """List the stored fields that our addons added, by model; those of dialogs are not kept.

    :return: dict of lists of names
    """
    return _our_fields(env, stored_fields)


def _our_fields(env, names_of):
    """List those of the fields named that our addons added, by model.

    :param names_of: function of a model, to names of fields
    """
    ours = set(paths.our_addons())
    fields = {}
    for name, model in env.registry.items():
        if model._abstract or model._transient:
            continue
        names = sorted(field for field in names_of(model)
                       if not model._fields[field].inherited  # it is the parent's
                       and ours.intersection(model._fields[field]._modules[:1]))
        if names:
            fields[name] = names
    return fields


def shown_to(world, roles):
    """Try to read each field of ours, computed ones too, as each role that reads a row of the
    model.

    :return: what could be allowed by model, and the set of cells that are
    """
    allowed = set()
    with world.env() as env:
        fields = _our_fields(env, lambda model: model._fields.keys() - MAGIC)
    for role in roles:
        with world.env(role) as env:
            for name, names in fields.items():
                if not env[name].has_access("read"):
                    continue
                rows = env[name].browse(world.some_rows(env, name))._filtered_access("read")[:1]
                allowed |= {(name, role, field) for field in names if rows and attempt(
                    env, partial(rows.read, [field])) != "refused"}
    shown = {name for name, _role, _field in allowed}
    return {name: names for name, names in fields.items() if name in shown}, allowed


def fields_of(world, models=None, roles=ROLES):
    """Try to write each stored field of ours as each role, with another value than it has.

    The value is somebody else's where it is a link: a claim that must be refused for what it is.

    :return: what could be allowed by model, and the set of cells that are
    """
    allowed = set()
    with world.env() as env:
        fields = our_stored_fields(env)
        if models:
            fields = {name: fields[name] for name in models}
    known = {name: [name_ + mark for name_ in names for mark in ("", "*")]
             for name, names in fields.items()}
    for role in roles:
        with world.env(role) as env:
            for name, names in fields.items():
                for field, outcome in _field_outcomes(env, world, name, names):
                    # The system's fields: an objection that comes first refuses them as well.
                    if outcome == "done" or (
                            outcome == "objected" and not env[name]._is_engine_field(field)):
                        allowed.add((name, role, field + "*" * (outcome == "objected")))
    return known, allowed


def _field_outcomes(env, world, name, names):
    """Yield each field and what comes of writing it, on the row that the role may write first."""
    if not env[name].has_access("write"):
        return
    rows = env[name].browse(world.some_rows(env, name)).filtered(
        lambda row: attempt(env, partial(row.check_access, "write")) != "refused")[:1]
    for field in names if rows else ():
        value = other_value(world, rows.sudo(), field)
        yield field, attempt(env, partial(rows.write, {field: value}))


def other_value(world, row, name):
    """Return another value than the row has: a link to somebody else's, a number one higher."""
    field, value = row._fields[name], row[name]
    if field.relational:
        other = world.other_of(row.env, field.comodel_name, value)
        return [(4, other)] if field.type == "many2many" else other
    if field.type == "selection":
        return next((key for key in field.get_values(row.env) if key != value), value)
    if field.type == "boolean":
        return not value
    if field.type in ("date", "datetime"):
        from odoo.fields import Date, Datetime

        kind = Date if field.type == "date" else Datetime
        return (value or (Date.today() if kind is Date else Datetime.now())) + timedelta(days=1)
    if field.type in ("integer", "float", "monetary"):
        return (value or 0) + 1
    return {"binary": b"QQ==", "json": {"a": 1}, "html": "<p>Other</p>"}.get(
        field.type, f"{value or ''}x")
