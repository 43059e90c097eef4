"""A process that lays out documents, one after the other, for the Odoo that started it.

It knows nothing of Odoo, and opens no file and no address that a document names: it asks Odoo for
each. So a document that takes too long, or too much memory, is ended with its process.
"""

import gc
import logging
import os
import resource
import signal
import sys

from weasyprint.urls import URLFetcher, URLFetcherResponse

from . import weasy
from .channel import Channel

SLOW_SECONDS = 3  # of a processor, after which a document gives way to those of others
MAX_ADDRESSES = 2 * 2**30  # bytes of memory that one may take
MAX_RESIDENT_KB = 2**20  # after which the process is replaced


class AskingFetcher(URLFetcher):
    """Asks Odoo for what a document refers to; see ``PaperFetcher``."""

    def __init__(self, channel):
        super().__init__(allowed_protocols=())
        self._channel = channel

    def fetch(self, url, headers=None):
        """Return what Odoo answers.

        :raise ValueError: it refuses
        """
        answer, content = self._ask({"kind": "fetch", "url": url})
        if "error" in answer:
            raise ValueError(answer["error"])
        return URLFetcherResponse(url, body=content, headers={"Content-Type": answer["mimetype"]})

    def read_sheet(self, key):
        """Return the text of a style sheet."""
        return self._ask({"kind": "sheet", "key": key})[1].decode()

    def _ask(self, question):
        self._channel.send(question)
        return self._channel.receive()


class LogToOdoo(logging.Handler):
    """Sends what WeasyPrint complains of to the log of Odoo."""

    def __init__(self, channel):
        super().__init__()
        self._channel = channel

    def emit(self, record):
        """Send one line."""
        self._channel.send({"kind": "log", "line": self.format(record)})


class Worker:
    """The state of the process: whether it is to be replaced after this document."""

    def __init__(self, channel):
        self._channel = channel
        self._fetcher = AskingFetcher(channel)
        self.worn = False

    def give_way(self, *_signal):
        """Let the documents of others go first: this one is slow."""
        os.nice(19)
        self.worn = True

    def do(self, job):
        """Lay out a job, and send the PDF or the reason why there is none."""
        try:
            answer, content = {}, self._print(job)
        except Exception as error:
            self.worn = self.worn or isinstance(error, MemoryError | RecursionError)
            answer, content = {"error": f"{type(error).__name__}: {error}"[:500]}, b""
        signal.setitimer(signal.ITIMER_PROF, 0)
        self.worn = self.worn or resource.getrusage(
            resource.RUSAGE_SELF).ru_maxrss > MAX_RESIDENT_KB
        self._channel.send({"kind": "end", "worn": self.worn, **answer}, content)

    def _print(self, job):
        base_url, options = job["base_url"], job["options"]
        page = weasy.Page(**job["page"])
        styled = [(html, self._sheets(keys, base_url)) for html, keys in job["documents"]]
        documents = []
        for html, sheets in styled:
            signal.setitimer(signal.ITIMER_PROF, SLOW_SECONDS)
            documents.append(
                weasy.lay_out(html, sheets, page, self._fetcher, base_url, **options))
        return weasy.print_documents(documents, **options)

    def _sheets(self, keys, base_url):
        """Return the style sheets, of which those used before are parsed already."""
        def read(key):
            """Read a style sheet that this process has not seen yet."""
            gc.unfreeze()
            return self._fetcher.read_sheet(key)

        sheets = [
            weasy.sheet(key, lambda key=key: read(key), self._fetcher, base_url) for key in keys]
        if not gc.get_freeze_count():
            gc.collect()
            gc.freeze()
        return sheets


def main(descriptor):
    """Work until Odoo hangs up."""
    resource.setrlimit(resource.RLIMIT_AS, (_least(MAX_ADDRESSES),) * 2)
    channel = Channel(descriptor)
    logging.getLogger("weasyprint").addHandler(LogToOdoo(channel))
    worker = Worker(channel)
    signal.signal(signal.SIGPROF, worker.give_way)
    gc.disable()
    while not worker.worn:
        try:
            worker.do(channel.receive()[0])
        except (EOFError, OSError):
            return
        # The boxes of a page refer to one another: only the collector of cycles frees them. It
        # does so between documents, and passes over what stays, the style sheets.
        gc.collect()


def _least(limit):
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    return limit if hard == resource.RLIM_INFINITY else min(limit, hard)


if __name__ == "__main__":
    main(int(sys.argv[1]))
