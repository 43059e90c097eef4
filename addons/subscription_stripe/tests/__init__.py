from . import (
    test_access,
    test_amounts,
    test_disputes,
    test_engine_fields,
    test_inbox,
    test_settings,
    test_work,
)
