"""Workers on a Ray cluster: actors, each with the model opened once more on its machine."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, final

import torch

from negspace.errors import LabError, NegspaceError
from negspace.generate import Model
from negspace.lab.workers import Batch, MadePicture, Workers, make_batch, same_model

LOCAL = "local"


class _Actor:
    """An actor with a model of its own, on one core."""

    def __init__(self, model: Model, fingerprint: str) -> None:
        torch.set_num_threads(1)
        self._model = same_model(model, fingerprint)

    def make(self, batch: Batch) -> list[MadePicture]:
        return make_batch(self._model, batch)


@final
class Cluster(Workers):
    """Actors of a Ray cluster. Every machine needs Negspace in the same version, and the model at its path.

    Args:
        address: of the cluster; "auto" for the one that this machine belongs to, "local" for a new one on it.
        count: how many actors; None is one per core.

    Raises:
        LabError: Ray is not installed, or no cluster is at that address.
    """

    def __init__(self, model: Model, address: str, count: int | None = None) -> None:
        try:
            ray: Any = import_module("ray")  # an extra, of which types know nothing where it is not installed
        except ImportError:
            raise LabError("cluster: Ray is not installed; pip install 'negspace[cluster]'") from None
        self._ray = ray
        self._started = not ray.is_initialized()
        if self._started:
            new: dict[str, Any] = {"num_cpus": count, "include_dashboard": False}
            place = new if address == LOCAL else {"address": address}
            try:
                ray.init(log_to_driver=False, logging_level="ERROR", **place)
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise LabError(f"cluster: no Ray cluster at {address!r}: {_first_line(error)}") from None
        self.count = count or max(1, int(ray.cluster_resources().get("CPU", 1)))
        actor: Any = ray.remote(num_cpus=1)(_Actor)
        fingerprint = model.network().fingerprint()
        self._actors = [actor.remote(model, fingerprint) for _ in range(self.count)]

    def make(self, batches: Sequence[Batch]) -> Iterator[tuple[int, list[MadePicture]]]:
        ray = self._ray
        waiting = list(enumerate(batches))[::-1]
        free = list(self._actors)
        busy: dict[Any, tuple[int, Any]] = {}
        while waiting or busy:
            while waiting and free:
                (number, batch), actor = waiting.pop(), free.pop()
                busy[actor.make.remote(batch)] = (number, actor)
            (done, *_), _ = ray.wait(list(busy), num_returns=1)
            number, actor = busy.pop(done)
            free.append(actor)
            yield number, self._result(done)

    def close(self) -> None:
        for actor in self._actors:
            self._ray.kill(actor)
        if self._started:
            self._ray.shutdown()

    def _result(self, done: Any) -> list[MadePicture]:
        try:
            return self._ray.get(done)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise cause if isinstance(cause, NegspaceError) else LabError(f"cluster: {error}") from None
        except self._ray.exceptions.RayError as error:
            message = "a worker of the cluster was lost; the same command continues"
            raise LabError(f"cluster: {message}: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
