"""The processes that lay out documents: as many at once as there are processors.

A document is laid out in a process of its own kind, so that a slow one holds no lock of Odoo's and
ends alone. One that is slow gives its place to the next, and goes on with what the others leave
of the processors, until its time is over.
"""

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from ..layout.channel import Channel

_logger = logging.getLogger("weasyprint")

FOLDER = Path(__file__).parent.parent  # where the program ``layout.worker`` is
MAX_SECONDS = 60  # a document may take
MORE_SECONDS = 5  # for each that is laid out together with it
SLOW_SECONDS = 5  # after which it gives its place to the next
WAIT_SECONDS = 100  # for a place
PLACES = min(os.cpu_count() or 1, 4)


class PaperError(Exception):
    """A document was not laid out; it says why."""


class PaperTooLong(PaperError):
    """A document takes too much time."""


class Process:
    """One process and the line to it."""

    def __init__(self):
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "layout.worker", str(theirs.fileno())], cwd=FOLDER,
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                start_new_session=True)
        self._channel = Channel(ours.detach())

    def is_alive(self):
        """Tell whether it may be given a document."""
        return self._process.poll() is None

    def end(self):
        """End the process, whatever it does."""
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def print(self, job, answer, on_slow):
        """Have a job laid out.

        :param answer: function (question) → (message, content)
        :param on_slow: called once, when it takes long
        :return: (the last message, bytes of the PDF)
        :raise PaperTooLong: it takes too much time, or memory
        """
        started, slow = time.monotonic(), False
        most = MAX_SECONDS + MORE_SECONDS * (len(job["documents"]) - 1)
        try:
            self._channel.send(job)
            while True:
                late = most if slow else SLOW_SECONDS
                if not self._channel.wait(started + late - time.monotonic()):
                    if slow:
                        raise PaperTooLong(f"{most} s")
                    slow = True
                    on_slow()
                    continue
                message, content = self._channel.receive()
                if message["kind"] == "end":
                    return message, content
                if message["kind"] == "log":
                    _logger.error(message["line"])
                else:
                    self._channel.send(*answer(message))
        except (EOFError, OSError) as error:
            raise PaperTooLong("its process ended") from error


class Pool:
    """Processes that wait for the next document, and the places of those at work."""

    def __init__(self):
        self._idle = []
        self._places = threading.BoundedSemaphore(PLACES)
        self._slow = threading.BoundedSemaphore(PLACES)

    def print(self, job, answer):
        """Have a job laid out by the next free process; see :meth:`Process.print`."""
        if not self._places.acquire(timeout=WAIT_SECONDS):
            raise PaperTooLong(f"{WAIT_SECONDS} s")
        held = self._places

        def give_way():
            """Leave the place to the next, when not too many did."""
            nonlocal held
            if self._slow.acquire(blocking=False):
                self._places.release()
                held = self._slow

        process = self._take()
        try:
            message, content = process.print(job, answer, give_way)
        except BaseException:
            process.end()
            raise
        finally:
            held.release()
        if message["worn"]:
            process.end()
        else:
            self._idle.append(process)
        if "error" in message:
            raise PaperError(message["error"])
        return content

    def _take(self):
        """Return the process that was free last, whose style sheets are parsed; else a new one."""
        while self._idle:
            try:
                process = self._idle.pop()
            except IndexError:  # another thread was quicker
                break
            if process.is_alive():
                return process
            process.end()
        return Process()


_pools = {}


def of_process():
    """Return the pool of this process: a fork of Odoo has its own."""
    return _pools.setdefault(os.getpid(), Pool())
