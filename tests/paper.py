"""Reads PDFs as poppler does: what is on the paper, page by page."""

import re
import subprocess
import tempfile


def pages(content):
    """Return the text of each page, with plain spaces."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(content)
        file.flush()
        text = subprocess.run(["pdftotext", "-layout", file.name, "-"], check=True,
                              capture_output=True, text=True).stdout
    return [re.sub(r"\s+", " ", page) for page in text.split("\f")[:-1]]


def misses(page, words):
    """List the words that are not on the page."""
    return [word for word in words if word not in page]
