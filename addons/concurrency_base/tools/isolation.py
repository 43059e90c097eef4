"""Scheduled actions in which one bad row stops nobody else's work."""

import logging

import psycopg2
from markupsafe import escape

from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

_logger = logging.getLogger(__name__)


def work_isolated(records, work, tell=None):
    """Work on the records together; when that fails, on ever smaller parts, until what makes it
    fail is alone.

    Each part has a savepoint and is flushed inside of it, so a failure leaves nothing behind.

    :param work: called with some of the records
    :param tell: called with each single record that failed and its error, to tell staff; by
        default only the server's log knows
    :return: (list of what `work` returned, the records that failed)
    :raise psycopg2.OperationalError: a conflict or a lost server, which is no fault of a record
    """
    if not records:
        return [], records
    env = records.env
    try:
        with env.cr.savepoint():
            result = work(records)
            env.flush_all()
            return [result], records.browse()
    except psycopg2.OperationalError:
        raise
    except Exception as error:
        if len(records) == 1:
            _logger.warning("Work on %s failed", records, exc_info=True)
            if tell:
                _tell_isolated(records, tell, error)
            return [], records
    half = len(records) // 2
    results, failed = work_isolated(records[:half], work, tell)
    more_results, more_failed = work_isolated(records[half:], work, tell)
    return results + more_results, failed | more_failed


def _tell_isolated(record, tell, error):
    try:
        with record.env.cr.savepoint():
            tell(record, error)
            record.env.flush_all()
    except psycopg2.OperationalError:
        raise
    except Exception:
        _logger.exception("Nobody could be told that work on %s failed", record)


def work_through(env, find, work, tell):
    """Work on all that `find` finds, a batch and a commit at a time; see :func:`work_isolated`.

    A conflict leaves a batch to the next run, and so does another worker who holds some of it.

    :param find: called with the last id of the batch before, 0 at first; returns the next
        records in the order of their ids, and those of them that no other worker holds
    :return: whether all was worked on; otherwise the caller sees to another run
    """
    last_id, complete = 0, True
    while True:
        found, locked = find(last_id)
        if not found:
            return complete
        last_id, time_left = found[-1].id, True
        complete &= locked == found
        try:
            work_isolated(locked, work, tell)
            time_left = env["ir.cron"]._commit_progress(len(found))
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            env.cr.rollback()
            complete = False
        if not time_left:
            return False


def again_after_conflict(env, action, work):
    """Do the work of a scheduled action of Odoo's; after a conflict it runs again at once.

    Odoo counts a conflict as a failure, and leaves what is queued to the next day.

    :param str action: external id of the ``ir.cron``
    :return: what `work` returns; None after a conflict
    """
    try:
        result = work()
        env.flush_all()
        return result
    except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
        env.cr.rollback()
        env.ref(action)._trigger()
        return None


def reason_of(env, error):
    """Say why a scheduled action could not do its work, for staff to read.

    :return: the message of an error that is meant for people; of any other a general sentence,
        for its text (of the database, say) would tell them nothing: it is in the server's log
    """
    if isinstance(error, UserError):
        return str(error)
    return env._(
        "Something unforeseen happened (%(kind)s). Your administrator finds the details in the "
        "log of the server.", kind=type(error).__name__)


def find_staff(env, group, company):
    """Return a user to tell: an employee of the group and company, else the administrator.

    :param str group: external id
    :param company: ``res.company``; none: of any
    """
    administrator = env.ref("base.user_admin").sudo()  # sudo: who has which right
    users = env.ref(group).sudo().all_user_ids.filtered(
        lambda user: user.active and not user.share and company <= user.company_ids)
    return (users - administrator)[:1] or administrator


def tell_once(record, user, summarise, error):
    """Plan an activity on the record about what failed, unless one is already open.

    :param summarise: called with the environment in the user's language, returns the summary
    """
    speaking = record.with_context(lang=user.lang)
    summary = summarise(speaking.env)
    if summary not in record.activity_ids.mapped("summary"):
        record.activity_schedule(
            "mail.mail_activity_data_todo", user_id=user.id, summary=summary,
            note=escape(reason_of(speaking.env, error)))  # it may hold the name of a customer
