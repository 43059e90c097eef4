from . import (
    test_booking,
    test_booking_accounting,
    test_calendar,
    test_changes,
    test_customer_routes,
    test_routes,
    test_seats,
    test_waiting,
)
