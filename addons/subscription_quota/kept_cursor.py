"""Connections of the quota API that keep their prepared statements.

Odoo's pool resets a session each time it lends it (``DISCARD ALL``). The functions of the engine
would then be planned anew at each request, which takes ten times as long as running them. These
connections are in autocommit: each call of a function is a transaction, at READ COMMITTED. A
statement is prepared when a connection first runs it.
"""

import threading
from contextlib import contextmanager
from itertools import count

import psycopg2
from psycopg2.extensions import STATUS_READY
from psycopg2.extensions import connection as PsycopgConnection
from psycopg2.extensions import cursor as PsycopgCursor

from odoo.sql_db import connection_info_for

MAX_IDLE = 16  # of a database and process; more are opened when needed, and closed afterwards
_idle = {}  # by name of database
_lock = threading.Lock()


class KeptConnection(PsycopgConnection):

    """A connection that knows the statements prepared on it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.autocommit = True
        self.prepared = {}  # name of each statement


class KeptCursor(PsycopgCursor):
    """A cursor with what the engine needs of Odoo's."""

    def execute(self, query, params=()):
        """Execute a query; it is prepared once for each connection.

        :param tuple params: for each ``%s``; a dict for named ones, which are not prepared
        """
        if not isinstance(params, tuple):
            return super().execute(query, params)
        prepared = self.connection.prepared
        if query not in prepared:
            name, numbers = f"quota_{len(prepared)}", count(1)
            super().execute(f"PREPARE {name} AS " + query % tuple(
                f"${next(numbers)}" for _param in params))
            prepared[query] = name
        marks = ", ".join(["%s"] * len(params))
        return super().execute(f"EXECUTE {prepared[query]} ({marks})", params)

    def commit(self):
        """Do nothing: each statement was committed at its end."""

    def rollback(self):
        """Do nothing: a statement that failed has undone itself."""


@contextmanager
def kept_cursor(cr):
    """Lend a cursor beside Odoo's, which is left without a transaction.

    :param cr: of the request; inside another transaction (tests) that one goes on
    """
    cr.rollback()
    if cr.connection.status != STATUS_READY:
        yield cr
        return
    connection = _borrow(cr.dbname)
    try:
        with connection.cursor(cursor_factory=KeptCursor) as own:
            yield own
    except (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.NotSupportedError):
        # The server was restarted, the database is gone, or an update of the addon changed what a
        # function answers: for all of them.
        connection.close()
        _close_idle(cr.dbname)
        raise
    finally:
        _return(cr.dbname, connection)


def _borrow(database):
    with _lock:
        if _idle.get(database):
            return _idle[database].pop()  # the last one used: it has its plans
    _name, parameters = connection_info_for(database)
    return psycopg2.connect(connection_factory=KeptConnection, **parameters)


def _return(database, connection):
    if connection.closed:
        return
    with _lock:
        idle = _idle.setdefault(database, [])
        if len(idle) < MAX_IDLE:
            idle.append(connection)
            return
    connection.close()


def _close_idle(database):
    with _lock:
        forgotten = _idle.pop(database, [])
    for connection in forgotten:
        connection.close()
