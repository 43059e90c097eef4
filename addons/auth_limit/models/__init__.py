from . import auth_limit_counter, auth_limit_request, res_config_settings, res_users
