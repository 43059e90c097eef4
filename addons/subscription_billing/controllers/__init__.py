from . import payment, people, portal, shop, shop_payment
