from . import (
    test_adjust,
    test_export,
    test_import,
    test_ledger,
    test_overview,
    test_pack_refund,
    test_packs,
    test_pending,
    test_portal,
    test_reconciliation,
    test_voucher,
)
