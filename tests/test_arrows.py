"""``make lint`` holds manifests and imports to the arrows of the design."""

import pytest

from ops.arrows import Addons, main, violations

DRAWN = {"wallet": [], "booking": ["wallet"], "billing": []}


@pytest.fixture
def addons(tmp_path):
    """Make three addons as they are drawn, and a way to change their files."""
    folder = tmp_path / "addons"
    for name, below in DRAWN.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "__manifest__.py").write_text(repr({"depends": ["sale", *below]}))

    def changed(file, text):
        (folder / file).write_text(text)
        return violations(Addons(folder), DRAWN)

    return changed


def test_addons_stand_as_they_are_drawn(capsys):
    assert main() == 0
    printed = capsys.readouterr().out
    for name in Addons().manifests:
        assert name in printed


def test_what_is_below_may_be_named(addons):
    assert addons("booking/models.py", "from odoo.addons.wallet.tools import take_turn") == []


@pytest.mark.parametrize("file, text, said", [
    ("wallet/models.py", "from odoo.addons.booking import models",
     "wallet/models.py:1 names booking, which wallet does not depend on"),
    ("wallet/views.xml", "<odoo>\n<record id='x' ref='booking.view'/></odoo>",
     "wallet/views.xml:2 names booking, which wallet does not depend on"),
    ("billing/models.py", "def late():\n    from odoo.addons.wallet import models",
     "billing/models.py:2 names wallet, which billing does not depend on"),
    ("billing/__manifest__.py", repr({"depends": ["wallet"]}),
     "billing depends on wallet; the design says none of ours"),
    ("booking/__manifest__.py", repr({"depends": ["sale"]}),
     "booking depends on none of ours; the design says wallet"),
])
def test_what_breaks_them_is_said(addons, file, text, said):
    assert addons(file, text) == [said]


def test_addons_that_are_not_drawn_or_not_there(tmp_path):
    for name in ("wallet", "stranger"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__manifest__.py").write_text(repr({"depends": []}))
    assert violations(Addons(tmp_path), {"wallet": [], "gone": []}) == [
        f"gone is drawn in ops/arrows.py and is not in {tmp_path.name}/",
        "stranger is not drawn in ops/arrows.py: say whom it stands on"]
