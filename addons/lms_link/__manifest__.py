{
    "name": "LMS Link",
    "summary": "From a booked session to the external LMS: a personal signed link",
    "version": "19.0.1.1.0",
    "category": "Marketing/Events",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["session_booking"],
    "data": [
        "views/event_views.xml",
        "views/res_config_settings_views.xml",
        "views/link_templates.xml",
    ],
}
