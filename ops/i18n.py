"""``make i18n``: write each addon's .pot again, and keep its fr.po in step with it.

Run by the virtual environment's Python. Entries without a French text stay empty, and
``make lint`` refuses them: translate them in the .po file.
"""

import sys
from pathlib import Path

import polib


def merge(folder):
    """Bring fr.po in step with the folder's .pot; known translations stay."""
    template = next(Path(folder).glob("*.pot"))
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
