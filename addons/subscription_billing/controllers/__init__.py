from . import payment, portal, shop
