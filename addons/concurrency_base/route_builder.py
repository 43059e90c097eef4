"""The first visitors of a page may come at once: a rush for seats begins like that.

Odoo compiles how the address of a route is built when it is first needed, and forgets the rule
right after. A thread that came meanwhile finds no rule, and its visitor a server error. Here it
waits for the one that compiles.
"""

import threading

from odoo.addons.base.models.ir_http import LazyCompiledBuilder

_compiling = threading.Lock()
_build = LazyCompiledBuilder.__call__


def _build_once_compiled(self, *args, **kwargs):
    if self._callable is None:
        with _compiling:
            return _build(self, *args, **kwargs)
    return _build(self, *args, **kwargs)


LazyCompiledBuilder.__call__ = _build_once_compiled
