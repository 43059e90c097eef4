from . import (
    test_attendance,
    test_booking,
    test_booking_accounting,
    test_group_booking,
    test_reminders,
    test_routes,
    test_seats,
    test_session_changes,
    test_session_series,
)
