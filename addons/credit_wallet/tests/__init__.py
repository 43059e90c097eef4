from . import (
    test_adjust,
    test_export,
    test_import,
    test_ledger,
    test_overview,
    test_packs,
    test_portal,
)
