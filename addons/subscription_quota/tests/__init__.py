from . import (
    test_archiving,
    test_merge,
    test_quota_api,
    test_quota_engine,
    test_quota_overage,
    test_quota_pack,
    test_quota_portal,
    test_quota_rate,
    test_quota_roles,
    test_quota_screens,
    test_quota_suspend,
    test_quota_undo,
)
