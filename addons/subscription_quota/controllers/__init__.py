from . import payment, portal, quota_portal, shop
