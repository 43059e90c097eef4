"""What the documents name is there: menus, fields, files."""

import re
import subprocess

from ops import paths, postgres

MENUS = """
WITH RECURSIVE menu AS (
    SELECT id, name ->> 'en_US' AS path FROM ir_ui_menu WHERE parent_id IS NULL
    UNION ALL SELECT child.id, menu.path || ' > ' || (child.name ->> 'en_US')
    FROM ir_ui_menu child JOIN menu ON menu.id = child.parent_id)
SELECT path FROM menu"""
FIELDS = "SELECT model FROM ir_model UNION ALL SELECT model || '.' || name FROM ir_model_fields"


def documents():
    """List all files in Markdown of the repository."""
    names = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=paths.ROOT, text=True)
    return [paths.ROOT / name for name in names.splitlines()]


def test_readmes_name_real_menus():
    """Each addon says what it does and what to set; a menu is bold: **Credits > Wallets**."""
    menus = set(postgres.query(MENUS, paths.TEMPLATE).splitlines())
    for addon in paths.our_addons():
        description, configure = (
            (paths.ADDONS / addon / "readme" / name).read_text()
            for name in ("DESCRIPTION.md", "CONFIGURE.md"))
        named = re.findall(r"\*\*([^*]+ > [^*]+)\*\*", " ".join((description + configure).split()))
        assert set(named) <= menus, addon


def test_glossary_names_real_fields():
    known = set(postgres.query(FIELDS, paths.TEMPLATE).splitlines())
    named = re.findall(r"`([a-z0-9_]+\.[a-z0-9_.]+)`", (
        paths.ROOT / "docs" / "glossary.md").read_text())
    assert named and set(named) <= known


def test_links_lead_to_files():
    """Those of the documents that lead nowhere else but into the repository."""
    for document in documents():
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)[^)]*\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document}: {target}"
