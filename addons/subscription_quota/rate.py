"""Rate limit of API keys.

Requests are counted in a piece of memory that all server processes of a machine share (a file they
map), so that one limit holds for all of them and no database row grows hot: two system calls and
no query.
"""

import fcntl
import hashlib
import logging
import mmap
import os
import struct
import tempfile
import threading
import time
from contextlib import contextmanager

from odoo.tools import config

_logger = logging.getLogger(__name__)

SLOT = struct.Struct("=QII")  # whose, the minute, requests in it
SLOTS = 4096
NEIGHBOURS = 8  # slots in which a key may be
SIZE = SLOT.size * SLOTS


class RateLimit:
    """Requests of a key in the present minute, on this machine.

    A machine is what shares ``/tmp``: of several machines behind one address each has a limit of
    its own. Where no file can be made there, each process has.

    :param path: of the file; by default one for the server's data directory and its user
    """

    def __init__(self, clock=time.time, path=None):
        self._clock = clock
        self._path = path
        self._threads = threading.Lock()
        self._file = self._memory = None

    def wait(self, key, per_minute):
        """Count a request.

        :param int key: an id in the database of this thread
        :return: 0 when it may go on; else the seconds to wait
        """
        now = self._clock()
        with self._locked_memory() as memory:
            count = _count_request(memory, _slot_owner(key), int(now // 60))
        return 0 if not per_minute or count <= per_minute else 60 - int(now % 60)

    @contextmanager
    def _locked_memory(self):
        """Lend the memory while no other thread or process counts; a process that dies frees the
        lock.
        """
        with self._threads:
            if self._memory is None:
                self._map_file()
            if self._file is None:
                yield self._memory
                return
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield self._memory
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _map_file(self):
        try:
            file = os.open(self._path or _default_path(),
                           os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            if os.fstat(file).st_uid != os.getuid():
                raise PermissionError("the file of the rate limit is somebody else's")
            os.ftruncate(file, SIZE)
            self._memory, self._file = mmap.mmap(file, SIZE), file
        except OSError as error:
            _logger.warning("Quota API: each process counts requests by itself: %s", error)
            self._memory = mmap.mmap(-1, SIZE)


def _default_path():
    """Return a path on the machine itself: the data directory may be on the network."""
    server = hashlib.sha256(os.path.realpath(config["data_dir"]).encode()).hexdigest()[:12]
    return os.path.join(tempfile.gettempdir(), f"odoo-quota-rate-{os.getuid()}-{server}")


def _slot_owner(key):
    database = getattr(threading.current_thread(), "dbname", None)
    digest = hashlib.blake2b(f"{database} {key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") or 1


def _count_request(memory, whose, minute):
    """Count a request of the minute.

    :return: the requests of the minute, this one included; 0 when other keys occupy all its slots:
        then it is not limited
    """
    free = None
    for neighbour in range(NEIGHBOURS):
        place = (whose + neighbour) % SLOTS * SLOT.size
        owner, last, count = SLOT.unpack_from(memory, place)
        if owner == whose:
            count = count + 1 if last == minute else 1
            SLOT.pack_into(memory, place, whose, minute, count)
            return count
        if free is None and last != minute:
            free = place
    if free is None:
        return 0
    SLOT.pack_into(memory, free, whose, minute, 1)
    return 1
