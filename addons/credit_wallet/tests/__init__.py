from . import test_ledger, test_packs, test_portal
