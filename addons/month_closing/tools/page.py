"""What the page of a month is made of: plain values that the browser, a workbook and a PDF show."""

# From calm to alarming; what is only said weighs nothing.
STATES = ("info", "ok", "todo", "wrong")
COLORS = {"ok": "#146C43", "todo": "#9A5B00", "wrong": "#B02A37", "info": "#495057"}


def check(state, name, *, count=None, amount=None, remedy="", details=(), action=None):
    """Describe one thing that is done, to be done, or wrong.

    :param str state: of ``STATES``
    :param str name: translated: what was looked at
    :param int count: how many, if that says something
    :param float amount: in the company's currency, if that says something
    :param str remedy: translated: what to do about it
    :param details: translated lines that name the entries or customers
    :param dict action: the ``ir.actions.act_window`` of the list, or None
    """
    return {"state": state, "name": name, "count": count, "amount": amount, "remedy": remedy,
            "details": list(details), "action": action}


def column(name, kind="text"):
    """Describe a column.

    :param str kind: text, money, whole (euros without cents) or rate
    """
    return {"name": name, "kind": kind}


def cells(*values, style="", action=None):
    """Describe a row of a table.

    :param str style: heading, total or wrong
    :param dict action: the list behind the row
    """
    return {"cells": list(values), "style": style, "action": action}


def table(name, columns, rows, note=""):
    """Describe a table; without rows it says that there is nothing."""
    return {"name": name, "columns": columns, "rows": rows, "note": note}


def section(key, name, checks, tables=()):
    """Describe a part of the page; its state is that of its worst check."""
    worst = max((STATES.index(each["state"]) for each in checks), default=1)
    return {"key": key, "name": name, "state": STATES[max(worst, 1)], "checks": checks,
            "tables": list(tables)}


def number_of(sections, *states):
    """Count the checks of these states."""
    return sum(each["state"] in states for one in sections for each in one["checks"])
