"""Bring the tables of rights up to what is: ``python -m tests.security`` from the repository.

It makes a world on a copy of the demo's template (bring that up to date before: ``make demo``) and
writes ``access.toml``, ``fields.toml``, ``shown.toml``, ``routes.toml`` and ``methods.toml`` anew;
look at what changed with ``git diff tests/security`` before you keep it. With ``--print`` it only
prints the differences, and the sections that would do away with them.
"""

import os
import sys

import pytest

from ops import postgres

if __name__ == "__main__":
    os.environ.update(postgres.environment())
    if "--print" not in sys.argv:
        os.environ["SECURITY_TABLES"] = "write"
    sys.exit(pytest.main(["-q", "-k", "table", "tests/security/test_access.py",
                          "tests/security/test_fields.py", "tests/security/test_routes.py",
                          "tests/security/test_methods.py"]))
