from . import quota_credit_purchase
