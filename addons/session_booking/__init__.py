from . import address_builder, controllers, models, wizard
from .hooks import post_init_hook
