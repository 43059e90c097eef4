from . import test_link, test_target
