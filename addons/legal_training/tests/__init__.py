from . import test_badge, test_training
