from . import test_adjust
