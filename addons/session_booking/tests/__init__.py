from . import test_booking, test_routes, test_seats
