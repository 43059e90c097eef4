"""Pages that take longer, and more memory, than a server allows; it looks each second."""

import mmap
import time

from odoo import http
from odoo.service import server

server.SLEEP_INTERVAL = 1
KEPT = []


class Limits(http.Controller):

    @http.route("/limits/sleep", type="http", auth="none", save_session=False)
    def sleep(self):
        """Answer after a minute."""
        time.sleep(60)
        return "slept"

    @http.route("/limits/grow", type="http", auth="none", save_session=False)
    def grow(self):
        """Keep 8 GB of addresses, of which none is used."""
        KEPT.append(mmap.mmap(-1, 8 * 2**30, prot=mmap.PROT_READ))
        return "grown"
