from . import test_deferral, test_evidence, test_fec
