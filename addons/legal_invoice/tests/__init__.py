from . import (
    test_checks,
    test_corrections,
    test_download,
    test_mentions,
    test_portal,
    test_territories,
    test_vies,
)
