from . import (
    base_partner_merge,
    session_cancel,
    session_group_booking,
    session_group_booking_line,
    session_move,
    session_series,
)
