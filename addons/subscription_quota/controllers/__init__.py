from . import payment, portal, quota_keys, quota_portal, shop
