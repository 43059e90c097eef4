from . import test_civil
