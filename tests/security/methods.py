"""Find the public methods of our models, and call them as each role does over RPC."""

import contextlib
import itertools
import os
import tomllib
from unittest.mock import patch

from ops import paths

from .tables import FOLDER, entry, fold, unfold
from .world import ROLES

# What comes of a call: it changed something, it answered without, it objected for another reason
# than a right. Refused is what is not said.
OUTCOMES = ["writes", "answers", "objects"]
BECAUSE = "because"
# Who must be refused, or the table says why a call is harmless: they have no part in anything.
LOW = ["anonymous", "stranger", "owner", "manager", "billing", "developer", "learner", "employee",
       "abroad"]
# Whose row a method is called with: somebody else's where there is one.
PREFERRED = ["other", "hidden", "any", "sold", "own", "person"]


def our_methods(env):
    """List the public methods that our addons define on models, but for those of every model.

    :return: dict of a model's name to sorted names
    """
    from odoo.exceptions import AccessError
    from odoo.models import BaseModel
    from odoo.service.model import get_public_method

    ours = {f"odoo.addons.{name}" for name in paths.our_addons()}
    methods = {}
    for name, model in env.registry.items():
        names = {each for cls in model.mro()
                 if ".".join(cls.__module__.split(".")[:3]) in ours for each in vars(cls)
                 if not each.startswith("_") and not hasattr(BaseModel, each)
                 and callable(getattr(model, each, None))}
        for each in sorted(names):
            with contextlib.suppress(AccessError):
                get_public_method(env[name], each)
                methods.setdefault(name, []).append(each)
    return methods


class Caller:
    """Calls methods as RPC does, and takes back what they did.

    :param world: whose people call
    :param dict arguments: of the methods that need some: by "model.method"
    """

    def __init__(self, world, arguments):
        self.world = world
        self.arguments = arguments

    def outcomes(self, roles=ROLES):
        """Call each method as each role with the id of somebody else's row.

        :return: dict of (model, method) to dict of a role to one of :data:`OUTCOMES`
        """
        found = {}
        with self.world.env() as env:
            methods = our_methods(env)
            rows = {name: self._row(env, name) for name in methods}
        for role in roles:
            with self.world.env(role) as env, self._taken_back():
                for key in [(name, each) for name in sorted(methods) for each in methods[name]]:
                    outcome = self._call(env, *key, rows[key[0]])
                    found.setdefault(key, {})
                    if outcome:
                        found[key][role] = outcome
        return found

    def _row(self, env, name):
        known = self.world.rows.get(name, {})
        if name == "res.partner":
            return [self.world.partners["rivals"]]
        for kind in PREFERRED:
            if kind in known:
                return [known[kind]]
        model = env[name]
        return [] if model._abstract or not model._auto else model.with_context(
            active_test=False).search([], limit=1).ids

    @contextlib.contextmanager
    def _taken_back(self):
        """Let nothing be committed, whoever asks for it."""
        from odoo.sql_db import Cursor

        with patch.object(Cursor, "commit", Cursor.flush):
            yield

    def _call(self, env, name, method, ids):
        """Call a method.

        :return: one of :data:`OUTCOMES`, None when it was refused
        """
        from odoo.exceptions import AccessDenied, AccessError
        from odoo.service.model import call_kw

        model = env[name]
        arguments = list(self.arguments.get(f"{name}.{method}", []))
        if not getattr(getattr(type(model), method), "_api_model", False):
            arguments.insert(0, ids)
        try:
            call_kw(model, method, arguments, {})
            env.flush_all()
            env.cr.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
            return "writes" if env.cr.fetchone()[0] else "answers"
        except (AccessError, AccessDenied):
            return None
        except Exception:  # whatever else it objects to: it let the role come that far
            return "objects"
        finally:
            env.cr.rollback()
            env.transaction.clear()


class MethodTable:
    """Who may call which method: a section a model, lines a method; ``{}`` where nobody may."""

    def __init__(self, name):
        self.path = FOLDER / name
        self.sections = tomllib.loads(self.path.read_text())

    def told(self):
        """Return what the table says, as :meth:`Caller.outcomes` does."""
        return {(model, method): {role: outcome for outcome in OUTCOMES
                                  for role in unfold(line.get(outcome, ""))}
                for model, lines in self.sections.items() for method, line in lines.items()}

    def compare(self, found):
        """Compare what is with what the table says.

        :return: a list of sentences, and the models that they speak of
        """
        told, said, models = self.told(), [], set()
        for key in sorted(told.keys() - found.keys()):
            said.append(f"{'.'.join(key)}: is in {self.path.name}, and there is no such method")
        for key, roles in sorted(found.items()):
            lines = [f"{'.'.join(key)}: is not in {self.path.name}"] if key not in told else [
                f"{'.'.join(key)}, {role}: {roles.get(role, 'refused')}, table says "
                f"{told[key].get(role, 'refused')}"
                for role in ROLES if roles.get(role) != told[key].get(role)]
            low = [role for role in LOW if role in roles]
            reason = self.sections.get(key[0], {}).get(key[1], {}).get(BECAUSE, "")
            if low and len(reason.split()) < 3:
                lines.append(f"{'.'.join(key)}: {' '.join(low)} may call it, and the table does "
                             "not say why that is harmless")
            if lines:
                said += lines
                models.add(key[0])
        return said, models

    def check(self, found):
        """Fail where the table does not agree; write it anew when asked to by SECURITY_TABLES."""
        models = sorted({model for model, _method in found})
        if os.environ.get("SECURITY_TABLES") == "write":
            head = itertools.takewhile(
                lambda line: line.startswith("#"), self.path.read_text().splitlines())
            self.path.write_text("\n".join([*head, "", *(
                self.section(model, found) for model in models)]))
            self.sections = tomllib.loads(self.path.read_text())
        said, wrong = self.compare(found)
        assert not said, "\n".join([
            *said, "", f"If that is as it should be, in {self.path.name} (or all at once: "
            "python -m tests.security):", "", *(
                self.section(model, found) for model in models if model in wrong)])

    def section(self, model, found):
        """Return the section of a model, as it stands in the file; reasons are kept."""
        lines = [f'["{model}"]']
        for (name, method), roles in found.items():
            if name != model:
                continue
            reason = " ".join(
                self.sections.get(model, {}).get(method, {}).get(BECAUSE, "").split())
            lines += [f'{method}.{outcome} = "{fold(those)}"' for outcome in OUTCOMES if (
                those := [role for role in ROLES if roles.get(role) == outcome])]
            if not roles:
                lines.append(f"{method} = {{}}")
            if reason or set(roles) & set(LOW):
                lines.append(entry(f"{method}.{BECAUSE}", reason).replace(
                    f'"{method}.{BECAUSE}"', f"{method}.{BECAUSE}"))
        return "\n".join([*lines, ""])
