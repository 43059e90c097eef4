"""Connections of the quota API that remember how to count.

Odoo's pool empties a session each time it lends one (``DISCARD ALL``). The functions of the engine
would then be planned anew at each request, which takes ten times as long as to carry them out.
These connections are in autocommit: a call of a function is a transaction, of READ COMMITTED.
"""

import threading
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import STATUS_READY
from psycopg2.extensions import cursor as PsycopgCursor

from odoo.sql_db import connection_info_for

MAX_IDLE = 16  # of a database and process; more are opened when needed, and closed afterwards
_idle = {}  # by name of database
_lock = threading.Lock()


class KeptCursor(PsycopgCursor):
    """What the engine needs of a cursor of Odoo's."""

    def commit(self):
        """Each statement was committed at its end."""

    def rollback(self):
        """What failed has undone itself."""


@contextmanager
def kept_cursor(cr):
    """A cursor of its own beside Odoo's, which is left without a transaction.

    :param cr: of the request; inside another transaction (tests) that one goes on
    """
    cr.rollback()
    if cr.connection.status != STATUS_READY:
        yield cr
        return
    connection = _take(cr.dbname)
    try:
        with connection.cursor(cursor_factory=KeptCursor) as own:
            yield own
    except (psycopg2.OperationalError, psycopg2.InterfaceError):
        connection.close()
        _forget(cr.dbname)  # the server was restarted, or the database is gone: for all of them
        raise
    finally:
        _give_back(cr.dbname, connection)


def _take(database):
    with _lock:
        if _idle.get(database):
            return _idle[database].pop()  # the last one used: it has its plans
    _name, parameters = connection_info_for(database)
    connection = psycopg2.connect(**parameters)
    connection.autocommit = True
    return connection


def _give_back(database, connection):
    if connection.closed:
        return
    with _lock:
        idle = _idle.setdefault(database, [])
        if len(idle) < MAX_IDLE:
            idle.append(connection)
            return
    connection.close()


def _forget(database):
    with _lock:
        forgotten = _idle.pop(database, [])
    for connection in forgotten:
        connection.close()
