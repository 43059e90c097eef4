"""An orderly queue for a busy row: a wallet, a session, a subscription.

Under REPEATABLE READ, all clients that wait for a busy row are refused when its owner commits, and
Odoo's five retries are too few: 50 clients took 5 of 10 seats. Therefore a client that wants the
row first waits for an advisory lock, on a connection of its own, and only then opens the
transaction that reads and writes. The queue is for fairness and speed; correctness rests on the
conditional UPDATE and the CHECKs of the rows themselves.

https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

import zlib

import psycopg2.errors

from odoo import sql_db
from odoo.exceptions import UserError
from odoo.tools import SQL

# Seconds, below the 60 after which proxies give up; a booking holds the line for about one.
WAIT_SECONDS = 50


def take_turn(env, *records):
    """Wait in line for the records, then start a fresh transaction; leave when it ends.

    The lock order is the order of the arguments (always wallets, then sessions); within one
    recordset it is by id. Call it before anything is written: the current transaction is
    committed, and what it read is forgotten.

    :raise UserError: after :data:`WAIT_SECONDS` seconds in line.
    """
    connection = sql_db.db_connect(env.cr.dbname).cursor()
    try:
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [f"{WAIT_SECONDS}s"])
        for recordset in records:
            namespace = zlib.crc32(recordset._name.encode()) - 2**31
            for record_id in sorted(recordset.ids):
                connection.execute(
                    "SELECT pg_advisory_xact_lock(%s, %s)", [namespace, record_id],
                    log_exceptions=False)
    except psycopg2.errors.LockNotAvailable as error:
        connection.close()
        raise UserError(
            env._("Too many people are doing this at this moment. Nothing was changed; "
                  "please try again in a minute.")
        ) from error
    # A snapshot taken before the wait would make the first write fail: start again.
    env.cr.commit()  # pylint: disable=invalid-commit
    env.invalidate_all()
    env.cr.postcommit.add(connection.close)
    env.cr.postrollback.add(connection.close)


def lock_in_order(*recordsets):
    """Lock the rows until the transaction ends: the recordsets in their order, each by id.

    It is for operations on several rows: transactions that lock in the same order wait for each
    other instead of deadlocking. The order of the arguments is wallets, then sessions; a
    subscription, then its periods.

    :raise psycopg2.errors.SerializationFailure: when another transaction changed a row since
        this one began; Odoo starts the request again
    """
    for records in recordsets:
        records.env.cr.execute(SQL(
            "SELECT id FROM %s WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            SQL.identifier(records._table), records.ids))


def claim_in_order(*recordsets):
    """Lock the rows as :func:`lock_in_order` does, and make waiting transactions start again.

    The snapshot of a waiting transaction is older than its wait, so after a lock alone it would
    continue with what it has already read. Each row is therefore written, with its own id: the
    waiting transaction gets a serialization error, Odoo retries it, and it then sees the changes
    made here.
    """
    for records in recordsets:
        records.flush_recordset()
        records.env.cr.execute(SQL(
            "UPDATE %(table)s SET id = claimed.id FROM (SELECT id FROM %(table)s"
            " WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE) claimed"
            " WHERE %(table)s.id = claimed.id",
            table=SQL.identifier(records._table), ids=records.ids))
