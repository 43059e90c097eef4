"""Odoo's starting script: a server with several processes calls itself again by this path,
which it cannot when started with ``python -m odoo``."""

from odoo.cli.command import main

main()
