from . import test_civil, test_renewal
