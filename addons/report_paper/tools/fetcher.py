"""What a report may load: files of this Odoo, read in process; nothing from anywhere else."""

import base64
import mimetypes
import re
from urllib.parse import parse_qsl, unquote, urlsplit

from weasyprint.urls import URLFetcher, URLFetcherResponse

from odoo.http import root
from odoo.tools import file_open
from odoo.tools.mimetypes import guess_mimetype

BINARY = re.compile(r"""/web/(?:image|content)(?:/(?:
    (?P<model>[\w.]+)/(?P<id>\d+)(?:-[^/]*)?/(?P<field>\w+)
    |(?P<attachment>\d+)(?:-[^/]*)?
    |(?P<xmlid>\w+\.[\w.]+)
    )(?:/.*)?)?""", re.X)
BARCODE = re.compile(r"/report/barcode(?:/(?P<barcode_type>\w+)/(?P<value>.+))?/?")


class PaperFetcher(URLFetcher):
    """Reads images and fonts of a report with the rights of the user who prints it.

    A report shows texts that customers and staff typed: were its addresses fetched as they
    are, an ``<img src="file:///etc/passwd">`` or an address of the inner network would be
    read by the server. So ``data:`` is decoded, own paths are read in process (no request, no
    deadlock with a single worker), and all else is refused.
    """

    def __init__(self, env, base_url):
        super().__init__(allowed_protocols=("data",))
        self._env = env(su=False)
        self._origin = urlsplit(base_url)[:2]

    def fetch(self, url, headers=None):
        """Read what an address of a report refers to.

        :param str url: absolute, or ``data:``
        :raise ValueError: it is not of this Odoo, or nothing is there
        """
        parts = urlsplit(url)
        if parts.scheme == "data":
            return super().fetch(url, headers)
        path = unquote(parts.path)
        if parts[:2] != self._origin or ".." in path.split("/"):
            raise ValueError(f"Reports load nothing from {url}")
        content, mimetype = self._read(path, dict(parse_qsl(parts.query)))
        return URLFetcherResponse(url, body=content, headers={"Content-Type": mimetype})

    def _read(self, path, query):
        """Read an own path.

        :return: (bytes, mimetype)
        """
        if static := root.get_static_file(path):
            with file_open(static, "rb") as file:
                return file.read(), mimetypes.guess_type(path)[0] or "application/octet-stream"
        if match := BARCODE.fullmatch(path):
            arguments = {**query, **_found(match)}
            return self._env["ir.actions.report"].barcode(
                arguments.pop("barcode_type"), arguments.pop("value"), **arguments), "image/png"
        if match := BINARY.fullmatch(path):
            return self._read_binary({**query, **_found(match)})
        raise ValueError(f"Reports load nothing from {path}")

    def _read_binary(self, query):
        """Read a field of a record that the user may read.

        :raise AccessError: the user may not
        """
        field = query.get("field", "raw")
        record_id = query.get("attachment") or query.get("id")
        record = self._env["ir.binary"]._find_record(
            query.get("xmlid"), query.get("model", "ir.attachment"),
            record_id and int(record_id), query.get("access_token"), field=field)
        content = record[field]
        if not content or record._fields[field].type != "binary":
            raise ValueError(f"Nothing to load in {record}, {field}")
        if field != "raw":
            content = base64.b64decode(content)
        return content, guess_mimetype(content)


def _found(match):
    """Return the named groups of a match that are not empty."""
    return {name: value for name, value in match.groupdict().items() if value}
