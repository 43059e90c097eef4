"""Installs addons one after another, uses each, and uninstalls them again, as the Apps screen does.

``python -m tests.installation.journey DATABASE KIND ARGUMENTS`` calls a method of
:class:`Journey` with arguments in JSON, and prints a line of JSON for each addon uninstalled.
"""

import json
import sys
import time

from werkzeug.test import Client

from odoo import SUPERUSER_ID, api, http
from odoo.modules.registry import Registry
from odoo.tools import config

from ops import database
from ops.arrows import Addons
from tests.installation import uses
from tests.installation.snapshot import Snapshot

PAGES = ("/", "/shop", "/event", "/web/login")
SCREENS = ("account.move", "event.event", "event.registration", "payment.provider",
           "payment.token", "payment.transaction", "product.template", "res.company",
           "res.config.settings", "res.partner", "sale.order")


class Journey:
    """Addons that come to one database and go again.

    :param str name: the database
    """

    def __init__(self, name):
        self.name = name
        self.ours = Addons()

    def do(self, work):
        """Call with an environment whose changes are kept; return the answer."""
        with Registry(self.name).cursor() as cr:
            return work(api.Environment(cr, SUPERUSER_ID, {"tz": "Europe/Paris"}))

    def installed(self):
        return set(self.ours.manifests) & set(self.do(
            lambda env: env["ir.module.module"].search([("state", "=", "installed")]).mapped(
                "name")))

    def install(self, *names):
        """Install addons; return those of ours that came, bridges included."""
        before = self.installed()
        Registry.new(self.name, update_module=True, install_modules=names)
        return self.installed() - before

    def uninstall(self, *names):
        """Uninstall addons; return those of ours that went."""
        before = self.installed()
        self.do(lambda env: env["ir.module.module"].search(
            [("name", "in", names)]).button_uninstall())
        Registry.new(self.name, update_module=True)
        return before - self.installed()

    def use(self, name):
        self.do(getattr(uses, name))

    # Kinds of journeys --------------------------------------------------------------------------

    def alone(self, below, names):
        """Install each addon upon those below it only, use it, and remove it with those above gone.
        """
        if below:
            self.install(*below)
        steps = []
        for name in names:
            before, row = Snapshot(self.name), {"addon": name}
            came = self.timed(row, "install", self.install, name)
            assert came <= {name} | self.ours.bridges_between(self.installed()), came
            self.timed(row, "use", self.use, name)
            steps.append((row, before, came))
        for row, before, came in reversed(steps):
            went = self.gone(row, before, row["addon"])
            assert went == came, f"{went} went with {row['addon']}, {came} had come"

    def joined(self, bridge, below, other):
        """Install the second of two addons, use the bridge that comes by itself, and remove it."""
        if below:
            self.install(*below)
        before, row = Snapshot(self.name), {"addon": bridge}
        came = self.timed(row, "install", self.install, other)
        assert bridge in came, f"{bridge} did not come with {other}: {came}"
        self.timed(row, "use", self.use, bridge)
        went = self.timed(row, "uninstall", self.uninstall, bridge)
        assert went == {bridge}, f"{went} went with {bridge}"
        left = self.named([bridge])
        assert not left, f"left of {bridge}: {left}"
        self.open_screens()
        self.gone(row, before, *(came - {bridge}))

    def together(self, names, lowest):
        """Install and use all at once; whoever uninstalls the lowest uninstalls them all. A second
        installation finds what was kept.
        """
        before, row = Snapshot(self.name), {"addon": "all of them"}
        came = self.timed(row, "install", self.install, *names)
        assert came == set(names), f"{came} came with all"
        for name in names:
            self.timed(row, "use", self.use, name)
        went = self.gone(row, before, *lowest)
        assert went == set(names), f"{went} went with all"
        assert self.install(*names) == set(names)
        self.open_screens()

    def gone(self, row, before, *names):
        """Return those of ours that went with `names`."""
        used = Snapshot(self.name)
        went = self.timed(row, "uninstall", self.uninstall, *names)
        after = Snapshot(self.name)
        assert used.documents == after.documents, used.documents ^ after.documents
        assert not after.withdrawn(used), after.withdrawn(used)
        self.open_screens()
        print(json.dumps({
            **row, "tables": used.tables_since(before), "left": after.leftovers(before),
            "kept": after.kept(before), "named": self.named(went)}), flush=True)
        return went

    # Helpers ------------------------------------------------------------------------------------

    def timed(self, row, what, work, *arguments):
        started = time.monotonic()
        try:
            return work(*arguments)
        finally:
            row[what] = row.get(what, 0) + time.monotonic() - started

    def named(self, modules):
        """List records that stayed under a name of these addons, for others hold on to them."""
        return self.do(lambda env: env["ir.model.data"].search(
            [("module", "in", list(modules))]).mapped(
                lambda data: f"{data.complete_name} ({data.model})"))

    def open_screens(self):
        """Check that what is left works: public pages answer, and forms and lists can be drawn."""
        visitor = Client(http.root)
        for page in PAGES:
            answer = visitor.get(page, base_url="http://127.0.0.1", follow_redirects=True)
            assert answer.status_code == 200, f"{page}: {answer.status}"
        self.do(lambda env: [
            env[model].get_views([(False, "form"), (False, "list"), (False, "search")])
            for model in SCREENS])


def main(name, kind, arguments):
    config.parse_config(
        [*database.odoo_options(), "-d", name, "--log-level=warn", "--max-cron-threads=0",
         "--http-interface=127.0.0.1"], setup_logging=True)
    getattr(Journey(name), kind)(**json.loads(arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
