from . import (
    base_partner_merge,
    session_attendance_close,
    session_cancel,
    session_group_booking,
    session_group_booking_line,
    session_move,
    session_seat_cancel,
    session_series,
)
