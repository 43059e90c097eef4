from . import payment, portal, quota, quota_keys, quota_portal, shop, shop_payment
