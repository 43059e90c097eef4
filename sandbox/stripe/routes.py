"""The table of endpoints; each resource's file adds its own."""

from typing import NamedTuple


class Route(NamedTuple):
    method: str
    path: str
    params: str  # the library's name of the request's parameters; None: not one of Stripe's
    handler: object
    public: bool  # a browser may call it with the publishable key and the intent's secret


ROUTES = []


def route(method, path, params, public=False):
    """Declare ``handler(account, params, **ids of the path)``, which returns an object."""
    def declare(handler):
        ROUTES.append(Route(method, path, params, handler, public))
        return handler
    return declare
