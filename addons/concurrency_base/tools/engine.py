"""Who writes the engine's fields: the system, or what it marks as its own work.

A call from outside (the web client, RPC, ``/json/2``, an import) never acts as the superuser, and
its context comes as JSON. The mark is an object, told by identity: JSON cannot express it.
"""

MARK = object()
KEY = "written_by_engine"


def as_engine(records):
    """Return the records in an environment that may write the engine's fields.

    For what Odoo does by itself under the rights of a user, such as a credit note that takes over
    the links of its invoice. Code that acts as the system by ``sudo()`` needs no mark.
    """
    return records.with_context(**{KEY: MARK})


def is_engine(env):
    """Tell whether code of the system acts, not a call from outside."""
    return env.su or env.context.get(KEY) is MARK
