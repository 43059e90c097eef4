from . import controllers, models, route_builder
from .hooks import post_init_hook, uninstall_hook
