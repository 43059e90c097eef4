from . import (
    test_checks,
    test_corrections,
    test_download,
    test_final,
    test_mentions,
    test_payment_method,
    test_portal,
    test_territories,
    test_vies,
)
