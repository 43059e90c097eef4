from odoo.exceptions import UserError


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
