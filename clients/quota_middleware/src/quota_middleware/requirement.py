"""``quota("scans")`` and ``feature("api_access")``: a dependency of FastAPI, and a decorator."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, overload

from starlette.concurrency import run_in_threadpool

from .answers import Item
from .gate import current_gate

P = ParamSpec("P")
R = TypeVar("R")


class Requirement:
    """Something the caller must be granted before a handler runs.

    - FastAPI: ``dependencies=[Depends(quota("scans"))]``, or as a parameter's default.
    - Any endpoint: ``@quota("scans")`` below the route's decorator.
    - Within a handler: ``await quota("scans", quantity=pages)()``.
    """

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, Item | None]]) -> None:
        self._ask = ask
        # FastAPI looks at these two to know that a dependency has no parameters and is awaited;
        # without them it would call this in a thread and keep the coroutine.
        self.__signature__ = inspect.Signature()
        setattr(self, "__call__", ask)  # noqa: B010

    @overload
    def __call__(self) -> Coroutine[Any, Any, Item | None]: ...

    @overload
    def __call__(self, endpoint: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]: ...

    @overload
    def __call__(self, endpoint: Callable[P, R]) -> Callable[P, Awaitable[R]]: ...

    def __call__(self, endpoint: Callable[..., Any] | None = None) -> Any:
        """Ask, as a dependency of FastAPI; or guard `endpoint`, as a decorator."""
        return self._ask() if endpoint is None else self._guarded(endpoint)

    def _guarded(self, endpoint: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        asynchronous = inspect.iscoroutinefunction(endpoint)

        @functools.wraps(endpoint)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            await self._ask()
            if asynchronous:
                return await endpoint(*args, **kwargs)
            return await run_in_threadpool(endpoint, *args, **kwargs)

        return guarded


def quota(metric: str, quantity: int = 1) -> Requirement:
    """Count `quantity` units of a metric before the handler runs; refused, it does not run.

    The units are given back when the handler raises or answers 5xx.
    """

    async def ask() -> Item | None:
        return await current_gate().consume(metric, quantity)

    return Requirement(ask)


def feature(metric: str) -> Requirement:
    """Let the handler run only when the caller's plan has this feature; counts nothing."""

    async def ask() -> None:
        await current_gate().require(metric)

    return Requirement(ask)
