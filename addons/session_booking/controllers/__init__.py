from . import basket, calendar, event, portal, waiting
