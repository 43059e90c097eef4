"""Switches off what keeps sessions from being oversold, so that the race tests can fail."""

from odoo.addons.session_booking.controllers import calendar

from . import models

calendar.take_turn = lambda env, *records: None
