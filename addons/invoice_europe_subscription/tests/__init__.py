from . import test_periods, test_services
