"""The rate limit of a key holds for all server processes of the machine together."""

import os
import tempfile
import threading
import time
from pathlib import Path
from unittest.mock import patch

from odoo.tests import BaseCase, tagged

from .. import rate

PROCESSES, REQUESTS, LIMIT = 4, 100, 250


@tagged("post_install", "-at_install")
class TestQuotaRate(BaseCase):

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "rate"
        self.now = 90.0

    def limit(self):
        """Return the limit as a server process has it."""
        limit = rate.RateLimit(clock=lambda: self.now, path=self.path)
        limit.wait(-1, 0)  # opened: two of them share the file
        return limit

    def test_a_minute_then_the_next(self):
        first, second = self.limit(), self.limit()
        self.assertEqual([each.wait(1, 3) for each in (first, second, first, second, first)],
                         [0, 0, 0, 30, 30])
        self.assertEqual(second.wait(2, 3), 0)
        self.assertEqual(second.wait(1, 0), 0)  # no limit
        self.now = 120.0
        self.assertEqual([first.wait(1, 1), second.wait(1, 1)], [0, 60])

    def test_many_keys_each_have_their_own_count(self):
        limit = self.limit()
        # Which places the keys have depends on the database's name; in rare ones one finds none.
        with patch.object(threading.current_thread(), "dbname", "many_keys", create=True):
            for key in range(1000):
                self.assertEqual(limit.wait(key, 1), 0, key)
            refused = sum(bool(limit.wait(key, 1)) for key in range(1000))
        self.assertEqual(refused, 1000)

    def test_databases_do_not_share_a_key(self):
        limit, thread = self.limit(), threading.current_thread()
        before = getattr(thread, "dbname", None)
        self.addCleanup(setattr, thread, "dbname", before)
        thread.dbname = "one"
        self.assertEqual([limit.wait(1, 1), limit.wait(1, 1)], [0, 30])
        thread.dbname = "other"
        self.assertEqual(limit.wait(1, 1), 0)

    def test_without_a_file_it_still_counts(self):
        with self.assertLogs("odoo.addons.subscription_quota.rate", "WARNING"):
            limit = rate.RateLimit(clock=lambda: self.now, path=self.path / "missing")
            limit.wait(1, 1)
        self.assertEqual(limit.wait(1, 1), 30)

    def test_processes_at_once(self):
        """However they interleave, as many requests pass as the limit says. A moment between
        reading and writing stands for a busy machine."""
        class Slow:
            size, pack_into = rate.SLOT.size, rate.SLOT.pack_into

            def unpack_from(self, *place, read=rate.SLOT.unpack_from):
                found = read(*place)
                time.sleep(0.0002)
                return found

        self.patch(rate, "SLOT", Slow())
        limit = self.limit()  # as a server's workers are: forked, the memory mapped before
        children = [self.child(limit) for _process in range(PROCESSES)]
        passed = 0
        for process, answer in children:
            passed += int.from_bytes(os.read(answer, 8), "big")
            os.close(answer)
            self.assertEqual(os.waitpid(process, 0)[1], 0)
        self.assertEqual(passed, LIMIT)

    def child(self, limit):
        """Start a process; return it, and where it writes how many of its requests passed."""
        answer, told = os.pipe()
        process = os.fork()
        if not process:
            passed = sum(not limit.wait(7, LIMIT) for _request in range(REQUESTS))
            os.write(told, passed.to_bytes(8, "big"))
            os._exit(0)
        os.close(told)
        return process, answer
