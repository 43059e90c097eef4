"""A service key for the sample application, and the subscription it shall try.

Called with Odoo's own options on the demo; writes "key reference id" into ``DEMO_KEY_FILE``, which
only its owner can read. The keys of earlier starts are revoked.
"""

import os
import sys

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config

NAME = "Sample application (make demo-api)"
CUSTOMER = "client@insaho.example"


def make_key(env):
    """Create a key of this name, and revoke earlier ones.

    :return: the key itself, which can be read nowhere else
    """
    keys = env["quota.api.key"]
    keys.search([("name", "=", NAME), ("revoked_at", "=", False)]).action_revoke()
    return keys.create({"name": NAME, "is_service": True})._generate()


def find_scans(env):
    """Find the customer's oldest subscription with scans.

    :return: the subscription, and how many scans are left
    :raise SystemExit: there is none
    """
    partner = env["res.users"].search([("login", "=", CUSTOMER)]).partner_id
    for subscription in env["subscription.subscription"].search(
            [("partner_id", "=", partner.id)], order="id"):
        for item in subscription._quota_state():
            if item["metric"] == "scans":
                return subscription, item["left"]
    raise SystemExit(f"{CUSTOMER} has no subscription with scans: give one in the back office.")


def main(arguments):
    """Make a key, and write it into the file that ``DEMO_KEY_FILE`` names."""
    config.parse_config(arguments, setup_logging=True)
    with Registry(config["db_name"][0]).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {"lang": "fr_FR", "tz": "Europe/Paris"})
        subscription, left = find_scans(env)
        words = (make_key(env), subscription.name, subscription.id, left)
    file = os.open(os.environ["DEMO_KEY_FILE"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(file, "w") as output:
        output.write(" ".join(map(str, words)))


if __name__ == "__main__":
    main(sys.argv[1:])
