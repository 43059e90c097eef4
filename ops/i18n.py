"""``make i18n``: write each addon's .pot again, and keep its fr.po in step with it.

Run by the virtual environment's Python. Entries without a French text stay empty, and
``make lint`` refuses them: translate them in the .po file.
"""

import ast
import sys
from pathlib import Path

import polib


def add_app(template):
    """Add the addon's name and summary to its .pot: Odoo leaves out what the screen of apps shows.

    :param Path template: the .pot, as Odoo wrote it
    """
    addon = template.parent.parent
    manifest = ast.literal_eval((addon / "__manifest__.py").read_text())
    texts = polib.pofile(str(template))
    for field, key in (("shortdesc", "name"), ("summary", "summary")):
        place = (f"model:ir.module.module,{field}:base.module_{addon.name}", "")
        entry = texts.find(manifest[key])
        if not entry:
            entry = polib.POEntry(msgid=manifest[key], comment=f"module: {addon.name}")
            texts.append(entry)
        if place not in entry.occurrences:
            entry.occurrences.append(place)
    texts.save()


def merge(folder):
    """Bring fr.po in step with the folder's .pot; known translations stay."""
    template = next(Path(folder).glob("*.pot"))
    add_app(template)
    french = Path(folder) / "fr.po"
    target = polib.pofile(str(french)) if french.exists() else polib.POFile()
    target.metadata = {
        "Project-Id-Version": "Odoo 19.0", "Language": "fr", "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n > 1);"}
    target.merge(polib.pofile(str(template)))
    for entry in list(target.obsolete_entries()):
        target.remove(entry)
    target.save(str(french))
    return len(target.untranslated_entries())


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {merge(name)} strings without a French text")
