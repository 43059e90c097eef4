"""Which addresses we send a customer to: https, to hosts the company named.

An open redirect would lend our name to any phishing page (OWASP, "Unvalidated Redirects and
Forwards"). Loopback addresses may use http, as browsers trust them (W3C Secure Contexts,
"potentially trustworthy origin"): that is for demonstrations and tests.
"""

from urllib.parse import urlsplit

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class LinkError(ValueError):
    """`reason` is "scheme", "host" or "syntax"."""

    def __init__(self, reason, host=""):
        super().__init__(reason)
        self.reason = reason
        self.host = host


def check_lms_url(url, allowed_hosts):
    """Return when the address may be a target.

    :param str url: the whole address
    :param allowed_hosts: set of host names; a name does not allow its sub-domains
    :raise LinkError: with the reason
    """
    if any(character.isspace() or ord(character) < 32 for character in url) or "\\" in url:
        raise LinkError("syntax")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        parts.port  # noqa: B018  an invalid port raises here
    except ValueError as error:
        raise LinkError("syntax") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise LinkError("scheme")
    if parts.username or parts.password:
        raise LinkError("syntax")
    if host not in allowed_hosts:
        raise LinkError("host", host)
