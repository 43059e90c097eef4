from . import export, portal, shop
