from . import test_cases, test_change, test_civil, test_renewal
