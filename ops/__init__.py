"""Everything between a bare Debian machine and a running, tested product.

Only the standard library is used here: these modules run before anything is installed.
"""

import sys

# Odoo 19 runs on these, and requirements.txt has wheels for them. Any Python 3 can read this file.
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit("Python 3.11, 3.12 or 3.13 is needed and this is {}.{}: install one, then run "
             "`make demo PYTHON=python3.13`.".format(*sys.version_info))
