from . import month_lock
