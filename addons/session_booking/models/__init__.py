from . import (
    attendance_sheet_mixin,
    booking_change_mixin,
    booking_waiting_mixin,
    event_event,
    event_registration,
    event_type,
    res_company,
    res_config_settings,
    session_calendar,
    session_reminder,
    session_reminder_rule,
    session_waiting,
)
