from . import (
    booking_waiting_mixin,
    event_event,
    event_registration,
    event_type,
    res_company,
    res_config_settings,
    session_calendar,
    session_waiting,
)
