def say(message, kind="success", title=None):
    """Return the action that tells a user what a button has done, and loads the view anew.

    :param str kind: ``success``, ``info``, ``warning`` (which stays until it is closed)
    """
    return {
        "type": "ir.actions.client", "tag": "display_notification", "params": {
            "type": kind, "title": title, "message": message, "sticky": kind == "warning",
            "next": {"type": "ir.actions.act_window_close"}},
    }
