"""What the paths of an application cost."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from re import Pattern

from starlette.routing import compile_path
from starlette.types import Scope

from .gate import Gate


@dataclass(frozen=True)
class Rule:
    """A path, and what a request to it consumes or needs.

    :param path: as in a route of Starlette: ``/scans``, ``/users/{id}``, ``/api/{rest:path}``
    :param consume: units by metric, all counted or none
    :param require: features that the plan must have
    :param methods: GET includes HEAD, as in a route; None: all but OPTIONS, by which browsers ask
        before a call and say nothing of the caller
    """

    path: str
    consume: Mapping[str, int] = field(default_factory=dict)
    require: Collection[str] = ()
    methods: Collection[str] | None = None
    _pattern: Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pattern", compile_path(self.path)[0])

    def matches(self, scope: Scope) -> bool:
        """Tell whether the rule is for this request."""
        method = scope["method"]
        if self.methods is None:
            named = method != "OPTIONS"
        else:
            named = method in self.methods or method == "HEAD" and "GET" in self.methods
        return named and bool(self._pattern.match(_path_of(scope)))

    async def apply(self, gate: Gate) -> None:
        """Require and consume what the rule says."""
        for metric in self.require:
            await gate.require(metric)
        if self.consume:
            await gate.consume_all(self.consume)


def _path_of(scope: Scope) -> str:
    """Return the path below the place where the application is mounted."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path
