from . import (
    test_deferral,
    test_engine_fields,
    test_evidence,
    test_factur_x,
    test_fec,
    test_regimes,
    test_services,
    test_territories,
    test_uninstall,
)
