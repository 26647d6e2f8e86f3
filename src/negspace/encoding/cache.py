"""Conditionings kept by content, so that a negative shared by many requests is encoded once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock

from negspace.encoding.base import Encoder, EncoderWrapper, texts_of
from negspace.encoding.conditioning import Conditioning
from negspace.encoding.inversion import Embedding
from negspace.prompt.tree import Prompt


@dataclass(frozen=True)
class CacheCount:
    """The counts of a cache so far.

    Attributes:
        hits: how often a conditioning was there, or in work for another thread.
        misses: how often one had to be made.
        dropped: how many were dropped for lack of room.
        held: how many are there now.
        nbytes: the bytes they take.
    """

    hits: int
    misses: int
    dropped: int
    held: int
    nbytes: int


class Cache:
    """Conditionings by key; the least recently used are dropped when all take more than `limit` bytes.

    Threads may share it. A conditioning that two threads want at once is made by one of them.

    Args:
        limit: bytes. One conditioning of SD1 takes 231 kB a window in float32, one of SD3 5.5 MB.
    """

    def __init__(self, limit: int = 256 * 2**20) -> None:
        self.limit = limit
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, Conditioning] = OrderedDict()
        self._pending: dict[Hashable, Future[Conditioning]] = {}
        self._hits = self._misses = self._dropped = self._nbytes = 0

    @property
    def count(self) -> CacheCount:
        with self._lock:
            return CacheCount(self._hits, self._misses, self._dropped, len(self._kept), self._nbytes)

    def get(self, key: Hashable, make: Callable[[], Conditioning]) -> Conditioning:
        """The conditioning of this key, made now if it is missing; an error of `make` is not kept."""
        with self._lock:
            if key in self._kept:
                self._hits += 1
                self._kept.move_to_end(key)
                return self._kept[key]
            pending = self._pending.get(key)
            own: Future[Conditioning] = Future()
            if pending is None:
                self._misses += 1
                self._pending[key] = own
            else:
                self._hits += 1
        return self._make(key, make, own) if pending is None else pending.result()

    def _make(
        self, key: Hashable, make: Callable[[], Conditioning], own: Future[Conditioning]
    ) -> Conditioning:
        try:
            made = make()
        except BaseException as error:
            with self._lock:
                del self._pending[key]
            own.set_exception(error)
            raise
        with self._lock:
            del self._pending[key]
            self._keep(key, made)
        own.set_result(made)
        return made

    def _keep(self, key: Hashable, made: Conditioning) -> None:
        if made.nbytes > self.limit:
            self._dropped += 1
            return
        self._kept[key] = made
        self._nbytes += made.nbytes
        while self._nbytes > self.limit:
            _, oldest = self._kept.popitem(last=False)
            self._nbytes -= oldest.nbytes
            self._dropped += 1

    def clear(self) -> None:
        """Drop everything; the counts stay."""
        with self._lock:
            self._kept.clear()
            self._nbytes = 0


class Cached(EncoderWrapper):
    """An encoder behind a cache. Several encoders may share one cache: keys hold the encoder's fingerprint,
    and with it the layer it reads and the embeddings it knows, the prompts as they were read, and the
    weighting.
    """

    def __init__(self, encoder: Encoder, cache: Cache) -> None:
        super().__init__(encoder)
        self.cache = cache

    def with_embeddings(self, embeddings: Sequence[Embedding]) -> "Cached":
        return Cached(self.encoder.with_embeddings(embeddings), self.cache)

    @property
    def prompt_encoder(self) -> "Cached":
        wish = self.encoder.prompt_encoder
        return self if wish is self.encoder else Cached(wish, self.cache)

    def empty(self) -> Conditioning:
        return self.cache.get((self.fingerprint, "empty"), self.encoder.empty)

    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        texts = tuple(texts_of(self, prompt, others))
        key = (self.fingerprint, weighting, texts)
        return self.cache.get(key, lambda: self.encoder.encode(prompt, weighting, others))
