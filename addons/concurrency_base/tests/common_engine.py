from odoo.exceptions import AccessError


class EngineFieldsCommon:
    """Hold an addon to its table of fields: who writes each stored one.

    Mix it into a ``TransactionCase`` of the addon. A stored field is either the engine's
    (``engine=True``, or of a model with ``_engine_only``), or stands in the table.
    """

    addon = None
    by_hand = {}  # by model: (who writes them, names of the fields)

    def own_fields(self):
        """List the stored fields that the addon added, as (model, field name)."""
        for model in self.env.registry.values():
            if model._abstract or model._transient:
                continue
            for name, field in model._fields.items():
                if (field._modules[:1] == (self.addon,) and field.store and not field.automatic
                        and field.type != "one2many"):
                    yield self.env[model._name], name

    def test_every_stored_field_has_its_writer(self):
        """A new field is the engine's, or somebody says in the table who writes it."""
        written = {
            (model, name) for model, (_who, names) in self.by_hand.items()
            for name in names.split()}
        own = {(model._name, name): model._is_engine_field(name)
               for model, name in self.own_fields()}
        by_hand = {key for key, is_engine in own.items() if not is_engine}
        self.assertFalse(by_hand - written, "say in the table who writes these")
        self.assertFalse(written - by_hand, "the engine's, or gone: not for the table")
        readonly = {key for key in by_hand if self.env[key[0]]._fields[key[1]].readonly}
        self.assertFalse(readonly, "readonly guards nothing: declare them by engine=True")

    def test_engine_fields_are_refused_to_an_administrator(self):
        """By write, and from the context; by create where no other value is needed to see it."""
        administrator = self.env.ref("base.user_admin")
        for model, name in self.own_fields():
            if not model._is_engine_field(name) or not model._auto:
                continue
            model = model.with_user(administrator)
            with self.subTest(field=f"{model._name}.{name}"):
                with self.assertRaises(AccessError):
                    model.write({name: False})
                with self.assertRaises(AccessError):
                    model.create({name: False})
                claimed = model.with_context(**{f"default_{name}": 77})
                for records in (claimed, claimed.sudo()):
                    self.assertNotEqual(records.default_get([name]).get(name), 77)
