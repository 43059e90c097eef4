"""Switches off what keeps a wallet exact under concurrency, so that its race tests can fail."""

from odoo.addons.session_booking.controllers import calendar

from . import models

calendar.take_turn = lambda env, *records: None
