"""Rules for the addresses that customers are sent to: https, and hosts the company named.

An open redirect would lend our name to any phishing page (OWASP, "Unvalidated Redirects and
Forwards"). Loopback addresses may use http, as browsers trust them (W3C Secure Contexts,
"potentially trustworthy origin"): that is for demonstrations and tests.

An address may contain placeholders that tell the LMS who comes: ``{email}``, ``{name}`` and
``{jwt}`` after the question mark, ``{session_code}`` anywhere after the host. Their values are
percent-encoded (RFC 3986), so that none of them can add a parameter or change the path.
"""

import re
from urllib.parse import quote, urlsplit

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
PERSONAL = {"email", "name", "jwt"}
KNOWN = PERSONAL | {"session_code"}


class LinkError(ValueError):
    """A refused address: `reason` is "scheme", "host", "syntax" or "placeholder".

    `culprit` is the part of the address at fault.
    """

    def __init__(self, reason, culprit=""):
        super().__init__(reason)
        self.reason = reason
        self.culprit = culprit


def placeholders(url):
    """Return the names of the placeholders of an address."""
    return set(PLACEHOLDER.findall(url))


def fill_lms_url(url, values):
    """Replace the placeholders of the address, each value percent-encoded.

    :param dict values: text by name of placeholder
    """
    return PLACEHOLDER.sub(
        lambda match: quote(values.get(match[1]) or "", safe=""), url)


def check_lms_url(url, allowed_hosts):
    """Refuse an address that may not be a target, placeholders included.

    :param url: the whole address
    :param allowed_hosts: set of host names; a name does not allow its sub-domains
    :raise LinkError: with the reason
    """
    _check_placeholders(url)
    url = fill_lms_url(url, dict.fromkeys(KNOWN, "x"))
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
    if parts.username or parts.password or "{" in url or "}" in url:
        raise LinkError("syntax")
    if host not in allowed_hosts:
        raise LinkError("host", host)


def _check_placeholders(url):
    address, _mark, _query = url.partition("?")
    origin = re.match(r"[^/]*//[^/]*|", address)[0]  # scheme and host are never replaced
    for names, allowed in (
            (placeholders(origin), set()), (placeholders(address), KNOWN - PERSONAL),
            (placeholders(url), KNOWN)):
        for name in sorted(names - allowed):
            raise LinkError("placeholder", f"{{{name}}}")
