from . import test_pack_refund, test_pending, test_reconciliation, test_voucher
