from . import controllers, models, route_builder, wizard
from .hooks import post_init_hook, uninstall_hook
