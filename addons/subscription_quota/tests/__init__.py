from . import (
    test_alike,
    test_billing_property,
    test_cases,
    test_change,
    test_civil,
    test_dunning,
    test_portal,
    test_renewal,
    test_speed,
)
