from . import test_quota_credit
