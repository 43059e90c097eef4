from . import month_closing
