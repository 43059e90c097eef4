"""Every request is held against the parameters that the official library declares.

``stripe/params/*.py`` is generated from Stripe's OpenAPI description, one TypedDict a request; what
is not in it is answered as Stripe does, with ``parameter_unknown``. It describes the latest version
of the API: what older ones, such as Odoo's, took besides is said here.
"""

import contextlib
import functools
import importlib
from typing import NotRequired

from pydantic import ConfigDict, TypeAdapter, ValidationError
from stripe._request_options import RequestOptions
from typing_extensions import TypedDict, is_typeddict

from .errors import invalid

# https://docs.stripe.com/changelog/endive/2026-09-30: intents no longer take this one.
REMOVED, REMOVED_IN = "payment_method_types", "2026-09-30"
TOOK_IT = {
    "payment_intent_create", "payment_intent_update", "payment_intent_confirm",
    "setup_intent_create", "setup_intent_update"}
STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


def checked(name, params, version):
    """Return the parameters with numbers and booleans read from their text.

    :param str name: of the request, as the library names its file: ``payment_intent_create``
    :param str version: of the API that the request asks for
    :raise ApiError: 400, naming the parameter
    """
    older = name in TOOK_IT and version < REMOVED_IN
    if name in TOOK_IT and REMOVED in params and not older:
        raise invalid(
            f"The {REMOVED} parameter is no longer supported. Use allowed_{REMOVED} or dynamic "
            "payment methods.", f"{REMOVED}_no_longer_supported", REMOVED)
    try:
        return adapter(name, older).validate_python(params)
    except ValidationError as error:
        raise _refusal(error.errors(), params) from error


@functools.cache
def adapter(name, older=False):
    """Return the validator of a request; large ones take a tenth of a second, so each is made
    once.
    """
    module = importlib.import_module(f"stripe.params._{name}_params")
    for declared in list(vars(module).values()):
        if is_typeddict(declared):
            declared.__pydantic_config__ = STRICT
    declared = getattr(module, "".join(map(str.title, name.split("_"))) + "Params")
    # The library's own options (api_key, headers...) are declared beside Stripe's parameters.
    fields = {
        field: hint for field, hint in declared.__annotations__.items()
        if field not in RequestOptions.__annotations__}
    if older:
        fields[REMOVED] = NotRequired[list[str]]
    own = TypedDict(declared.__name__, fields)
    own.__module__ = module.__name__
    own.__pydantic_config__ = STRICT
    return TypeAdapter(own)


def _refusal(errors, params):
    """Return the one error Stripe would answer with, of all those found."""
    ranks = {"extra_forbidden": 0, "missing": 1}
    error = min(errors, key=lambda found: ranks.get(found["type"], 2))
    param = _bracketed(_path(error, params))
    if error["type"] == "extra_forbidden":
        return invalid(f"Received unknown parameter: {param}", "parameter_unknown", param)
    if error["type"] == "missing":
        return invalid(f"Missing required param: {param}.", "parameter_missing", param)
    if error["type"].startswith("int"):
        return invalid(f"Invalid integer: {error['input']}", "parameter_invalid_integer", param)
    return invalid(f"Invalid {param}: {error['msg']}", None, param)


def _path(error, params):
    """Keep the keys of the request: pydantic adds the branches of unions that it tried."""
    path, node = [], params
    for step in error["loc"]:
        with contextlib.suppress(KeyError, IndexError, TypeError):
            node = node[step]
            path.append(str(step))
    return [*path, str(error["loc"][-1])] if error["type"] == "missing" else path


def _bracketed(path):
    return path[0] + "".join(f"[{step}]" for step in path[1:]) if path else ""
