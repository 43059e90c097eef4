from . import test_engine_fields, test_lock, test_month, test_vat
