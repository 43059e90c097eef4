"""What customers type never becomes markup that staff read."""

import ast

from ops import paths

ADDONS = "all"


def unescaped_notes():
    """List the places where the note of a to-do is made without `escape`: it is HTML."""
    found = []
    for path in sorted(paths.ADDONS.glob("*/**/*.py")):
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "activity_schedule":
                notes = [each.value for each in node.keywords if each.arg == "note"]
                if notes and not any(isinstance(part, ast.Name) and part.id == "escape"
                                     for part in ast.walk(notes[0])):
                    found.append(f"{path.relative_to(paths.ROOT)}:{node.lineno}")
    return found


def test_notes_of_to_dos_are_escaped():
    assert not unescaped_notes()
