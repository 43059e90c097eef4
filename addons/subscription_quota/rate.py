"""How often a key asks. Counted in memory by each server process: no row grows hot."""

import threading
import time


class RateLimit:
    """Requests of a key in the present minute. A limit is for each server process."""

    def __init__(self, clock=time.time):
        self._clock = clock
        self._lock = threading.Lock()
        self._minute = 0
        self._counts = {}

    def wait(self, key, per_minute):
        """Count a request.

        :return: 0 when it may go on; else the seconds to wait
        """
        now = self._clock()
        with self._lock:
            if int(now // 60) != self._minute:
                self._minute, self._counts = int(now // 60), {}
            count = self._counts[key] = self._counts.get(key, 0) + 1
        return 0 if not per_minute or count <= per_minute else 60 - int(now % 60)
