"""The cache: what is the same is encoded once, what differs is not mixed up, and memory is bounded."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
import torch

from negspace.encoding import Cache, Cached, Conditioning, Embedding, Encoder, SideBySide
from negspace.encoding.base import EncoderWrapper
from negspace.errors import EncodingError
from negspace.facts import TextEncoderLayer
from negspace.prompt import Prompt, parse
from tests.encoding.tiny import clip_encoder, clip_pair


class Counting(EncoderWrapper):
    """An encoder that counts how often it is asked, and may wait first."""

    def __init__(self, encoder: Encoder, wait: Event | None = None) -> None:
        super().__init__(encoder)
        self.wait, self.asked = wait, 0

    def with_embeddings(self, embeddings: Sequence[Embedding]) -> "Counting":
        return Counting(self.encoder.with_embeddings(embeddings), self.wait)

    def empty(self) -> Conditioning:
        self.asked += 1
        return self.encoder.empty()

    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        self.asked += 1
        if self.wait is not None:
            assert self.wait.wait(30)
        return self.encoder.encode(prompt, weighting, others)


def test_the_same_prompt_is_encoded_once() -> None:
    counting, cache = Counting(clip_encoder()), Cache()
    encoder = Cached(counting, cache)
    first, again = encoder.encode(parse("a cat")), encoder.encode(parse("a cat"))
    assert first is again and counting.asked == 1
    assert (cache.count.hits, cache.count.misses, cache.count.held) == (1, 1, 1)
    assert encoder.empty() is encoder.empty() and counting.asked == 2


def test_what_comes_back_is_what_the_encoder_says() -> None:
    plain = clip_encoder()
    assert torch.equal(
        Cached(plain, Cache()).encode(parse("a (cat:1.3)")).hidden, plain.encode(parse("a (cat:1.3)")).hidden
    )


def test_everything_that_matters_is_in_the_key() -> None:
    cache = Cache()
    plain = clip_encoder()
    text = "a (cat:1.3) style"
    encoders = [
        plain,
        clip_encoder(TextEncoderLayer(skip=1)),
        clip_encoder(vectors={"style": torch.ones(1, 32)}),
        clip_encoder(vectors={"style": torch.zeros(1, 32)}),
    ]
    told = [Cached(encoder, cache).encode(parse(text)) for encoder in encoders]
    told += [
        Cached(plain, cache).encode(parse(text), weighting) for weighting in ("lerp", "product", "compel")
    ]
    told += [Cached(plain, cache).encode(parse(text, dialect)) for dialect in ("comfy", "plain", "compel")]
    told += [Cached(plain, cache).encode(parse("a (cat:1.31) style"))]
    assert cache.count.hits == 0 and cache.count.misses == len(told)


def test_texts_of_several_encoders_are_in_the_key() -> None:
    encoder = Cached(SideBySide(clip_pair()), Cache())
    alone = encoder.encode(parse("a cat"))
    with_other = encoder.encode(parse("a cat"), others=[parse("a dog")])
    assert not torch.equal(alone.hidden, with_other.hidden)
    assert encoder.encode(parse("a cat"), others=[parse("a cat")]) is alone  # the same by default


def test_two_encoders_with_the_same_weights_share() -> None:
    cache = Cache()
    first = Cached(clip_encoder(), cache).encode(parse("a cat"))
    assert Cached(clip_encoder(), cache).encode(parse("a cat")) is first


def test_memory_is_bounded_and_the_least_recently_used_goes() -> None:
    encoder = clip_encoder()
    size = encoder.encode(parse("a")).nbytes
    cache = Cache(limit=2 * size)
    cached = Cached(encoder, cache)
    for text in ("a", "b", "a", "c"):  # b was used longest ago
        cached.encode(parse(text))
        assert cache.count.nbytes <= cache.limit
    assert (cache.count.held, cache.count.dropped) == (2, 1)
    cached.encode(parse("a"))
    assert cache.count.hits == 2
    cached.encode(parse("b"))
    assert cache.count.misses == 4


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    cache = Cache(limit=10)
    assert Cached(clip_encoder(), cache).encode(parse("a cat")).windows == 1
    assert (cache.count.held, cache.count.nbytes, cache.count.dropped) == (0, 0, 1)


def test_threads_that_want_the_same_wait_for_one_of_them() -> None:
    release, together = Event(), Barrier(4)
    counting, cache = Counting(clip_encoder(), release), Cache()
    encoder = Cached(counting, cache)

    def ask() -> Conditioning:
        together.wait(30)
        return encoder.encode(parse("a cat"))

    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(ask) for _ in range(4)]
        while cache.count.hits + cache.count.misses < 4:
            pass
        release.set()
        told = [future.result(30) for future in waiting]
    assert counting.asked == 1 and all(one is told[0] for one in told)
    assert (cache.count.hits, cache.count.misses) == (3, 1)


def test_a_failure_is_told_and_not_kept() -> None:
    cache = Cache()
    encoder = Cached(clip_encoder(), cache)
    for _ in range(2):
        with pytest.raises(EncodingError, match="no weighting"):
            encoder.encode(parse("a cat"), "nonsense")
    assert cache.count.held == 0 and cache.count.misses == 2


def test_embeddings_make_other_keys() -> None:
    cache = Cache()
    plain = Cached(clip_encoder(), cache)
    taught = plain.with_embeddings([Embedding("style", (torch.ones(1, 32),))])
    assert not torch.equal(plain.encode(parse("style")).hidden, taught.encode(parse("style")).hidden)


def test_threads_with_different_embeddings_do_not_see_each_others() -> None:
    """One text model, many threads: each finds its own vectors in its own text."""
    model = clip_encoder()
    taught = [model.with_embeddings([Embedding("style", (torch.full((1, 32), float(i)),))]) for i in range(4)]
    alone = [encoder.encode(parse("a style cat")).hidden for encoder in taught]
    plain = model.encode(parse("a cat")).hidden
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(taught[i % 4].encode, parse("a style cat")) for i in range(32)]
        others = [threads.submit(model.encode, parse("a cat")) for _ in range(16)]
        assert all(torch.equal(one.result().hidden, alone[i % 4]) for i, one in enumerate(asked))
        assert all(torch.equal(one.result().hidden, plain) for one in others)


def test_clear_lets_everything_go() -> None:
    cache = Cache()
    Cached(clip_encoder(), cache).encode(parse("a cat"))
    cache.clear()
    assert (cache.count.held, cache.count.nbytes, cache.count.misses) == (0, 0, 1)
