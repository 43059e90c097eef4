from . import test_booking, test_booking_accounting, test_changes, test_routes, test_seats, test_waiting
