"""Addresses that a visitor sends, to be led back to."""

from urllib.parse import urlsplit, urlunsplit

MAX_LENGTH = 2000  # characters of an address


def own_path(address):
    """Return an address when it leads to a page of this site, else None.

    It is parsed, as browsers do: they skip tabs and line ends, and take a backslash for a slash,
    so that "/\\t/host" leads to another site.

    :param str address: from outside
    :return: path, query and fragment, put together anew
    """
    if len(address) > MAX_LENGTH:
        return None
    try:
        parts = urlsplit(address.replace("\\", "/"))
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not parts.path.startswith("/") \
            or parts.path.startswith("//"):
        return None
    return urlunsplit(("", "", *parts[2:]))
