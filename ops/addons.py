"""Our addons: who stands on whom, and which of their files changed since a database was made."""

import ast
import hashlib
import re

from . import paths

OUTSIDE = ("tests", "readme")  # folders of an addon of which a database holds nothing
# What takes effect when an addon is installed, and not when it is updated.
ONLY_INSTALLED = re.compile(r"noupdate|def (init|_auto_init)\b|init_hook")


def depends():
    """Map each of our addons to all that its manifest depends on.

    :return: dict: for each of our addons, all that its manifest depends on
    """
    return {name: set(ast.literal_eval(
        (paths.ADDONS / name / "__manifest__.py").read_text())["depends"])
        for name in paths.our_addons()}


def with_those_above(changed):
    """Add to these addons those of ours that stand on them, directly or not.

    :return: set
    """
    found, below = set(changed), depends()
    while more := {name for name in below if below[name] & found} - found:
        found |= more
    return found


def snapshot(before=None):
    """Describe each file of our addons, from which a database is made.

    :param dict before: an older snapshot; saves reading again what has not changed
    :return: dict of path to ``{"bytes", "meaning", "install"}``: a digest; a digest without
        comments; whether the file has what only an installation does
    """
    before = before or {}
    files = {}
    for name in paths.our_addons():
        for file in sorted((paths.ADDONS / name).rglob("*")):
            inside = file.relative_to(paths.ADDONS / name).parts
            if file.is_file() and file.suffix != ".pot" \
                    and not {"__pycache__", *OUTSIDE} & set(inside):
                key = str(file.relative_to(paths.ADDONS))
                content = file.read_bytes()
                digest = hashlib.sha256(content).hexdigest()
                known = before.get(key)
                files[key] = known if known and known["bytes"] == digest else {
                    "bytes": digest, **_describe(file, content, digest)}
    return files


def _describe(file, content, digest):
    text = content.decode(errors="replace")
    meaning = digest
    if file.suffix == ".py":
        try:
            meaning = hashlib.sha256(ast.dump(ast.parse(text)).encode()).hexdigest()
        except SyntaxError:
            pass  # Odoo says it better
    return {"meaning": meaning, "install": bool(
        file.suffix == ".sql" or file.name == "__manifest__.py"
        or ONLY_INSTALLED.search(text) and file.suffix in (".py", ".xml", ".csv"))}


class Difference:
    """What has to be done to a database made from one snapshot, to serve another.

    :ivar set files: paths that were added, removed or changed; a comment is no change
    :ivar set changed: addons to update
    :ivar set added: addons to install
    :ivar set removed: addons that are not here any more
    :ivar bool restart: a running server has old files, if only by a comment
    """

    def __init__(self, old, new):
        was, now = ({_addon(path) for path in files} for files in (old, new))
        self.restart = old != new
        self.files = {path for path in {*old, *new} if path not in old or path not in new
                      or old[path]["meaning"] != new[path]["meaning"]}
        self.added, self.removed = now - was, was - now
        self.changed = {_addon(path) for path in self.files if not _is_static(path)} & was & now
        self._install = any(side[path]["install"] for path in self.files
                            for side in (old, new) if path in side)

    @property
    def needs_installation(self):
        """Tell whether an update would miss something that only an installation makes."""
        return bool(self.added or self.removed or self._install)

    @property
    def has_code(self):
        """Tell whether code changed: the records that it made might be made otherwise now."""
        return any(path.endswith((".py", ".sql")) for path in self.files)

    @property
    def has_static(self):
        """Tell whether style sheets and scripts have to be compiled again."""
        return any(map(_is_static, self.files))


def _addon(path):
    return path.split("/", 1)[0]


def _is_static(path):
    return path.split("/")[1] == "static"
