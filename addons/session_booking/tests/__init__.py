from . import test_booking_accounting
