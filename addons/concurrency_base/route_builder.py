"""A guard of Odoo's route builder, for pages whose first visitors come at the same time.

Odoo compiles how the address of a route is built when it is first needed, and forgets the rule
right after. Another thread that arrives meanwhile finds no rule, and its visitor gets a server
error. Here it waits for the thread that compiles.
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
