from . import test_ledger, test_ledger_property, test_packs, test_portal
