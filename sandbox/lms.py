"""A page that stands for the customer's LMS, at any path below ``/lms/``.

Run it (``python -m sandbox.lms``), or use :class:`Lms` in a test.
"""

import argparse
import html

from .pages import PageServer, not_found, page, run


class Lms(PageServer):
    """Every course exists; `visits` holds the paths that were opened, with their queries."""

    def __init__(self, port=0):
        super().__init__(port)
        self.visits = []

    def answer(self, target):
        """Answer with the page of a course."""
        path = target.split("?")[0]
        if not path.startswith("/lms/"):
            return not_found()
        self.visits.append(target)
        course = html.escape(path.removeprefix("/lms/").replace("-", " "))
        return page("LMS de démonstration", f"<h1>Cours : {course}</h1>"
                    "<p>Vous êtes sur la plateforme de formation.</p>")


def main():
    """Start the LMS by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8073)
    run(Lms(parser.parse_args().port), "/lms/demo")


if __name__ == "__main__":
    main()
