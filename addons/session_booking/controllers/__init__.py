from . import calendar, event, portal
