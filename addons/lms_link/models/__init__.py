from . import (
    event_event,
    event_registration,
    event_type,
    res_company,
    res_config_settings,
    session_attendance,
)
