from . import payment, portal, quota, shop
