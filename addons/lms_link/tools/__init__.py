from .links import LinkError, check_lms_url
