"""Who stands on whom: what addons depend on and name, held to the arrows of the design.

Arrows point down only. An addon depends on exactly those of ours it is drawn upon, and its files
name no other of ours than those it stands on: a room below never names a room above.
"""

import ast
import re

from . import paths

# Each addon and those of ours directly below it.
ARROWS = {
    "auth_limit": [],
    "concurrency_base": [],
    "sale_paid_value": [],
    "service_product": [],
    "company_role": ["concurrency_base"],
    "sale_paid_value_loyalty": ["sale_paid_value"],
    "credit_wallet": [
        "company_role", "concurrency_base", "sale_paid_value", "service_product"],
    "session_booking": ["credit_wallet"],
    "lms_link": ["session_booking"],
    "subscription_billing": [
        "company_role", "concurrency_base", "sale_paid_value", "service_product"],
    "subscription_quota": ["subscription_billing"],
    "subscription_stripe": ["subscription_billing"],
    "report_paper": [],
    "legal_invoice": ["concurrency_base", "report_paper", "service_product"],
    "invoice_europe": ["concurrency_base", "legal_invoice"],
    "month_closing": ["concurrency_base", "invoice_europe", "report_paper"],
    # Bridges: they install themselves where those they join are.
    "subscription_credit": ["credit_wallet", "subscription_billing"],
    "quota_credit": ["credit_wallet", "subscription_quota"],
    "legal_training": ["legal_invoice", "session_booking"],
    "invoice_europe_booking": ["invoice_europe", "session_booking"],
    "invoice_europe_subscription": ["invoice_europe", "subscription_billing"],
    "month_closing_credit": ["credit_wallet", "month_closing"],
    "month_closing_stripe": ["month_closing", "subscription_stripe"],
}
CODE = {".py", ".xml", ".csv", ".js", ".scss", ".sql"}


class Addons:
    """The addons of a folder: their manifests, and whom their files name."""

    def __init__(self, folder=paths.ADDONS):
        self.folder = folder
        self.manifests = {
            path.parent.name: ast.literal_eval(path.read_text())
            for path in sorted(folder.glob("*/__manifest__.py"))}

    def below(self, name):
        """List those of ours the addon depends on directly, in alphabetical order."""
        return sorted(set(self.manifests[name]["depends"]) & set(self.manifests))

    def all_below(self, name):
        """List those of ours the addon stands on, in an order in which they can be installed."""
        found = {}
        for each in self.below(name):
            found |= dict.fromkeys([*self.all_below(each), each])
        return list(found)

    def in_order(self):
        """List all addons, each after those it stands on."""
        found = {}
        for name in self.manifests:
            found |= dict.fromkeys([*self.all_below(name), name])
        return list(found)

    def is_bridge(self, name):
        """Tell whether the addon installs itself."""
        return bool(self.manifests[name].get("auto_install"))

    def bridges_between(self, names):
        """List the bridges that install themselves where these addons, and Odoo's own, are."""
        return {bridge for bridge in filter(self.is_bridge, self.manifests)
                if set(self.below(bridge)) <= set(names)}

    def named_by(self, name):
        """Find other addons of ours that the addon's files name.

        :return: dict of the addon named to the first place, ``file:line``
        """
        others = re.compile(
            rf"\b({'|'.join(set(self.manifests) - {name}) or '(?!)'})\b")
        found = {}
        for file in sorted((self.folder / name).rglob("*")):
            if file.suffix in CODE:
                for number, line in enumerate(file.read_text().splitlines(), start=1):
                    for other in others.findall(line):
                        found.setdefault(other, f"{file.relative_to(self.folder)}:{number}")
        return found


def violations(addons, arrows=ARROWS):
    """List what differs from the design.

    :return: list of str
    """
    found = [f"{name} is drawn in ops/arrows.py and is not in {addons.folder.name}/"
             for name in arrows if name not in addons.manifests]
    for name in addons.manifests:
        if name not in arrows:
            found.append(f"{name} is not drawn in ops/arrows.py: say whom it stands on")
        elif addons.below(name) != sorted(arrows[name]):
            found.append(f"{name} depends on {_listed(addons.below(name))}; "
                         f"the design says {_listed(arrows[name])}")
        allowed = addons.all_below(name)
        found += [f"{place} names {other}, which {name} does not depend on"
                  for other, place in addons.named_by(name).items() if other not in allowed]
    return found


def _listed(names):
    return ", ".join(sorted(names)) or "none of ours"


def main():
    """Print who depends on whom, then what is wrong.

    :return: the exit code, 0 when the arrows are those of the design
    """
    addons = Addons()
    for name in addons.in_order():
        bridge = " (bridge)" if addons.is_bridge(name) else ""
        print(f"  {name + bridge:<36} → {_listed(addons.below(name)):<44}"
              f" names {_listed(addons.named_by(name))}")
    wrong = violations(addons)
    for sentence in wrong:
        print(f"  {sentence}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
