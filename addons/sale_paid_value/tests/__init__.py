from . import test_paid_values, test_shares, test_withdrawal
