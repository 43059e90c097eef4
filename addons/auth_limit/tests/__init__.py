from . import test_by_mail, test_counter, test_login
