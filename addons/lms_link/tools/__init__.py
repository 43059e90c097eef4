from .links import LinkError, check_lms_url, fill_lms_url, placeholders
