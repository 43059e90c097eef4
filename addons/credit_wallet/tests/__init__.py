from . import test_adjust, test_export, test_import, test_overview
