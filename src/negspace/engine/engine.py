"""All lanes take their next step together."""

from collections.abc import Iterable, Iterator, Sequence

import torch

from negspace.engine.batcher import Batching, FixedBatches, predict
from negspace.engine.lane import Lane
from negspace.models.base import Network


class Engine:
    """Drives lanes with one network. Lanes may join and leave between ticks.

    Args:
        network: makes the predictions.
        batching: how rows are split into batches; None is `FixedBatches()`.

    Attributes:
        forwards: batches that went through the network so far.
        evaluations: passes of the network for rows of lanes so far.
    """

    def __init__(self, network: Network, batching: Batching | None = None) -> None:
        self.network = network
        self.batching = batching or FixedBatches()
        self.forwards = 0
        self.evaluations = 0
        self._lanes: list[Lane] = []

    @property
    def lanes(self) -> Sequence[Lane]:
        """Those under way."""
        return tuple(self._lanes)

    def add(self, lane: Lane) -> None:
        """Run a lane from the next tick on."""
        self._lanes.append(lane)

    def remove(self, lane: Lane) -> None:
        """Take a lane out, finished or not; the others are not affected."""
        self._lanes.remove(lane)

    @torch.inference_mode()
    def tick(self) -> list[Lane]:
        """One step for every lane.

        Returns:
            the lanes that it finishes; they leave the engine.
        """
        by_lane = [(lane, lane.rows()) for lane in self._lanes]
        rows = [row for _, own in by_lane for row in own]
        predictions, forwards = predict(self.network, rows, self.batching)
        self.forwards += forwards
        self.evaluations += sum(row.passes for row in rows)
        start = 0
        for lane, own in by_lane:
            lane.advance(predictions[start : start + len(own)])
            start += len(own)
        self._end_broken()
        finished = [lane for lane in self._lanes if lane.done]
        self._lanes = [lane for lane in self._lanes if not lane.done]
        return finished

    def _end_broken(self) -> None:
        """End the lanes whose pictures are infinite or no number any more, by one look for all of them."""
        sums = [lane.x.sum() for lane in self._lanes]
        for lane, finite in zip(
            self._lanes, torch.stack(sums).isfinite().tolist() if sums else (), strict=True
        ):
            if not finite:
                lane.end_broken()

    def run(self, lanes: Iterable[Lane]) -> Iterator[int]:
        """Finish lanes, yielding after every tick how many are still under way.

        To cancel, stop iterating.
        """
        for lane in lanes:
            self.add(lane)
        while self._lanes:
            self.tick()
            yield len(self._lanes)
