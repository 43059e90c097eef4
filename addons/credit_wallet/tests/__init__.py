from . import test_adjust, test_import
