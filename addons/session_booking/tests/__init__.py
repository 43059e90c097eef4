from . import test_booking, test_booking_accounting, test_routes, test_seats
