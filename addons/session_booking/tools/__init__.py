from .local_time import NonExistentTime, every_weeks, local_to_utc
