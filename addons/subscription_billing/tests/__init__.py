from . import (
    test_alike,
    test_billing_property,
    test_card,
    test_cases,
    test_change,
    test_civil,
    test_dunning,
    test_portal,
    test_portal_pay,
    test_renewal,
    test_settled_unpaid,
    test_speed,
)
