"""The tables of rights, as a person reads and changes them, and how they are compared.

Both are TOML: a section a model, and in it a line for each group of roles that may do the same.
What is not said is refused.
"""

import itertools
import os
import textwrap
import tomllib
from pathlib import Path

from .world import CUSTOMERS, KINDS, ROLES, STAFF

FOLDER = Path(__file__).parent
# Names for roles that often go together, the longest first.
TOGETHER = {
    "everybody": ROLES,
    "people": [role for role in ROLES if role not in ("anonymous", "abroad")],
    "staff": [*STAFF, "administrator"],
    "acme": list(CUSTOMERS),
}
LETTERS = {"r": "read", "w": "write", "u": "unlink", "x": "export"}
CREATE = "create"
NOBODY = "nobody"
WIDTH = 100


def fold(roles):
    """Write a set of roles as words, with one word for those that go together."""
    left, words = set(roles), []
    for word, members in TOGETHER.items():
        if left.issuperset(members):
            words.append(word)
            left -= set(members)
    return " ".join([*words, *(role for role in ROLES if role in left)])


def entry(roles, text):
    """Write a line of a table, or several where one would be too long to read."""
    if len(roles) + len(text) < WIDTH - 8:
        return f'"{roles}" = "{text}"'
    wrapped = textwrap.fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ",
                            break_long_words=False, break_on_hyphens=False)
    return f'"{roles}" = """\n{wrapped}"""'


def unfold(words):
    """Return the set of roles that the words name.

    :raise KeyError: there is no such role
    """
    roles = set()
    for word in words.split():
        if word == NOBODY:
            continue
        if word not in TOGETHER and word not in ROLES:
            raise KeyError(f"{word}: neither a role nor a word for some (tests/security/tables.py)")
        roles.update(TOGETHER.get(word, [word]))
    return roles


class Table:
    """A file of cells: (model, role, what) is allowed; each cell that is not there is refused.

    :param str name: of the file
    """

    def __init__(self, name):
        self.path = FOLDER / name
        self.sections = tomllib.loads(self.path.read_text())

    def cells(self, known):
        """Return the cells that are allowed.

        :param dict known: for each model that is there, what could be allowed
        """
        return {(model, role, what) for model, lines in self.sections.items()
                for words, text in lines.items() for role in unfold(words)
                for what in self.read(text, known.get(model, ()))}

    def compare(self, known, allowed):
        """Compare what is with what the table says.

        :param dict known: for each model, what could be allowed, in the order of the table
        :param set allowed: cells
        :return: a list of sentences, and the models that they speak of
        """
        told = self.cells(known)
        said, models = [], set()
        for model in sorted(known.keys() - self.sections.keys()):
            said.append(f"{model}: is not in {self.path.name}")
            models.add(model)
        for model in sorted(self.sections.keys() - known.keys()):
            said.append(f"{model}: is in {self.path.name}, and there is no such model of ours")
        for model, role, what in sorted(told ^ allowed, key=self.order):
            if model not in known or model not in self.sections:
                continue
            models.add(model)
            is_allowed = (model, role, what) in allowed
            said.append(f"{role} {model} {self.words(what)}: is "
                        f"{('refused', 'allowed')[is_allowed]}, table says "
                        f"{('refused', 'allowed')[not is_allowed]}")
        return said, models

    def order(self, cell):
        model, role, what = cell
        return model, ROLES.index(role), self.words(what)

    def check(self, known, allowed):
        """Fail where the table does not agree; write it anew when asked to by SECURITY_TABLES."""
        if os.environ.get("SECURITY_TABLES") == "write":
            self.write(known, allowed)
        said, models = self.compare(known, allowed)
        assert not said, "\n".join([
            *said, "", f"If that is as it should be, in {self.path.name} (or all at once: "
            "python -m tests.security):", "", *(
                self.section(model, known[model], allowed) for model in sorted(models))])

    def write(self, known, allowed):
        """Write the file anew; the comment at its head stays."""
        head = itertools.takewhile(
            lambda line: line.startswith("#"), self.path.read_text().splitlines())
        sections = [self.section(model, known[model], allowed) for model in sorted(known)]
        self.path.write_text("\n".join([*head, "", "\n".join(sections)]))
        self.sections = tomllib.loads(self.path.read_text())

    def section(self, model, known, allowed):
        """Return the section of a model, as it stands in the file."""
        by_role = {
            role: frozenset(what for what in known if (model, role, what) in allowed)
            for role in ROLES}
        lines = [f'["{model}"]']
        for whats in dict.fromkeys(by_role.values()):
            if whats:
                roles = fold(role for role in ROLES if by_role[role] == whats)
                lines.append(entry(roles, self.line(whats, known)))
        return "\n".join([*lines, ""])


class AccessTable(Table):
    """What is allowed: an operation on a row of a kind, or to create one."""

    def read(self, text, known):
        """Return what a line allows: (operation, kind), such as ``own:rw other:r create``."""
        whats = set()
        for part in text.split():
            if part == CREATE:
                whats.add((CREATE, ""))
                continue
            kinds, _colon, letters = part.partition(":")
            for kind in KINDS if kinds == "all" else kinds.split(","):
                whats |= {(LETTERS[letter], kind) for letter in letters}
        return {what for what in whats if what in known} if "all:" in text else whats

    def line(self, whats, known):
        letters = {
            kind: "".join(letter for letter, operation in LETTERS.items()
                          if (operation, kind) in whats)
            for kind in KINDS if any(kind == other for _operation, other in known)}
        if len(set(letters.values())) == 1:
            parts = [f"all:{letters.popitem()[1]}"]
        else:
            parts = [f"{','.join(kind for kind in letters if letters[kind] == text)}:{text}"
                     for text in dict.fromkeys(letters.values()) if text]
        return " ".join([part for part in parts if not part.endswith(":")]
                        + [CREATE] * ((CREATE, "") in whats))

    def words(self, what):
        operation, kind = what
        return f"{operation} {kind}".strip()


class FieldTable(Table):
    """What is allowed: to write a field; ``*`` where the value tried was refused for what it is.

    Fields that nobody writes stand there, too: who adds a field says so.
    """

    def read(self, text, known):
        return set(text.split())

    def compare(self, known, allowed):
        said, models = super().compare(known, allowed)
        for model in known.keys() & self.sections.keys():
            there = {what.rstrip("*") for what in known[model]}
            told = {what.rstrip("*") for text in self.sections[model].values()
                    for what in text.split()}
            lines = [f"{model}.{name}: is not in {self.path.name}" for name in there - told]
            lines += [f"{model}.{name}: is in {self.path.name}, and there is no such field of ours"
                      for name in told - there]
            if lines:
                said += sorted(lines)
                models.add(model)
        return said, models

    def section(self, model, known, allowed):
        written = {what.rstrip("*") for name, _role, what in allowed if name == model}
        kept = sorted({what.rstrip("*") for what in known} - written)
        section = super().section(model, known, allowed)
        return section + entry(NOBODY, " ".join(kept)) + "\n" if kept else section

    def line(self, whats, known):
        return " ".join(sorted(whats))

    def words(self, what):
        return f"write {what}"


class ShownTable(Table):
    """What is allowed: to read a field, for those who are no staff."""

    def read(self, text, known):
        return set(text.split())

    def line(self, whats, known):
        return " ".join(sorted(whats))

    def words(self, what):
        return f"read {what}"
