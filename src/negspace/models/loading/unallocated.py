"""Networks without memory for their weights, which are assigned to them afterwards."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from torch.nn import Module, Parameter

_LOCK = threading.Lock()


@contextmanager
def unallocated() -> Iterator[None]:
    """While this lasts, parameters that this thread makes take no memory. Buffers hold what they are made
    with: some, such as those of positions, are in no file."""
    register, maker = Module.register_parameter, threading.get_ident()

    def without_memory(self: Module, name: str, param: Parameter | None) -> None:
        register(self, name, param)
        if param is not None and threading.get_ident() == maker:
            empty = param.detach().to("meta")
            self._parameters[name] = Parameter(empty, requires_grad=False)

    with _LOCK:
        Module.register_parameter = without_memory
        try:
            yield
        finally:
            Module.register_parameter = register
