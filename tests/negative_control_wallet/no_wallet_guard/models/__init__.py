from . import credit_lot, credit_wallet
