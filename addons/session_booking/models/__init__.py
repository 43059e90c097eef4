from . import (
    attendance_sheet_mixin,
    booking_change_mixin,
    event_event,
    event_registration,
    event_type,
    res_company,
    res_config_settings,
    session_reminder,
    session_reminder_rule,
)
