from . import test_engine_fields, test_link, test_target
