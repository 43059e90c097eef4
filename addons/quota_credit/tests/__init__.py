from . import test_engine_fields, test_quota_credit
