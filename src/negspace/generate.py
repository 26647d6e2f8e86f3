"""The one way to pictures: Request → Plan → Run (engine and judge) → Result with its Receipt."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, final

import torch

from negspace.encoding import Embedding, Encoder, load_embedding, load_embeddings
from negspace.engine import Batching, Engine
from negspace.errors import EncodingError
from negspace.facts import EmbeddingFacts, ModelFacts
from negspace.guidance import Rule, make
from negspace.judge import Judge, embedded_judge
from negspace.models.base import Network
from negspace.models.files.source import EMBEDDED, FewStep, Saving, Source
from negspace.models.hardware import choose_placement
from negspace.models.loading.opening import open_network
from negspace.models.lora.folder import lora_names, lora_stamps
from negspace.models.lora.variants import with_named_loras
from negspace.planning.plan import Plan, plan, plan_governed, refuse_other_model
from negspace.policy.loading import load_policy
from negspace.policy.policy import Policy
from negspace.prompt import parse
from negspace.receipt import Receipt
from negspace.request import Avoid, Request, Start
from negspace.run.again import carried_out
from negspace.run.attempts import Inspection
from negspace.run.escalation import Limits, watched_concepts
from negspace.run.run import Driver, Result, Run
from negspace.run.start import with_checked_start

DtypeName = Literal["float32", "bfloat16", "float16"]

_KEPT_ENCODERS = 8
"""How many sets of embeddings a model keeps an encoder for; one takes the memory of its vectors alone."""


@final
class Model:
    """An opened model: it plans requests and makes their pictures. `load` explains its arguments."""

    def __init__(
        self,
        name_or_path: str | Path | Source,
        dtype: str | None,
        device: str | None,
        batching: Batching | None,
        judge: Judge | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._source = name_or_path if isinstance(name_or_path, Source) else Source(name_or_path)
        self._dtype = dtype
        self._device = device
        self._batching = batching
        self._judge = judge
        self._limits = limits or Limits()
        self._own_judge: Judge | None = None
        self._networks: dict[torch.dtype, Network] = {}
        self._encoders: dict[tuple[object, ...], Encoder] = {}
        self._facts = self.network().facts

    def __getstate__(self) -> dict[str, Any]:
        """A model travels to another process without its weights, and opens them there."""
        return self.__dict__ | {"_networks": {}, "_encoders": {}, "_own_judge": None}

    @property
    def facts(self) -> ModelFacts:
        """What the model is and what it can be told."""
        return self._facts

    @property
    def source(self) -> Source:
        """What exactly was opened."""
        return self._source

    @property
    def path(self) -> str:
        """Where it was opened from: a name or a path."""
        return str(self._source.path)

    def with_batching(self, batching: Batching) -> "Model":
        """The same model and the same networks, with so many rows a forward."""
        other = copy(self)
        other._batching = batching
        return other

    def network(self, dtype: str | None = None) -> Network:
        """The network in an arithmetic, opened on first use; None is the one the model was loaded with."""
        placement = choose_placement(dtype or self._dtype, self._device or self._source.device)
        if placement.dtype not in self._networks:
            self._networks[placement.dtype] = open_network(self._source, placement)
        return self._networks[placement.dtype]

    def plan(
        self,
        request: Request,
        *,
        operator_policies: Sequence[Policy] = (),
        tenant: str | None = None,
        read_policy: Callable[[str], Policy] = load_policy,
    ) -> Plan:
        """The request compiled for this model; nothing is generated.

        Args:
            operator_policies: they apply whatever the request says.
            tenant: on whose behalf.
            read_policy: gives a policy that the request names.

        Raises:
            RequestError, PolicyError, PromptError: as `negspace.plan`; also for a setting of a rule that is
                not there or out of its range.
            EncodingError: an embedding cannot be read.
        """
        facts = self._facts_with(load_embeddings(request.embeddings))
        compiled = plan(
            request, facts, operator_policies=operator_policies, tenant=tenant, read_policy=read_policy
        )
        make(compiled.rule, scale=compiled.scale)
        stamps = lora_stamps(compiled.loras, self._source.lora_dir)
        return compiled.model_copy(update={"lora_stamps": stamps})

    def planner(self, read_policy: Callable[[str], Policy] | None = None) -> Callable[[Request], Plan]:
        """`plan` for many requests that belong together: a policy that they name is read once, when it is
        first needed, and stays as it was then.

        Args:
            read_policy: gives a policy; planners that share one share what it has read. None reads anew.
        """
        return partial(self.plan, read_policy=read_policy or cache(load_policy))

    def run(self, plan: Plan) -> Run:
        """Begin the pictures of a plan, which are then made step by step. No policy is read for it.

        Args:
            plan: of this model, by `Model.plan`, or by `negspace.plan` from the facts of its folder.

        Raises:
            RequestError: the plan was made for another model, or a LoRA that it names cannot be added.
            PolicyError: a policy keeps the request from being carried out, or no judge can look for what it
                blocks.
            JudgeError: the judge of the embedded model does not fit its weights.
            EncodingError: an embedding is not what it was when the plan was made, or a text cannot be encoded
                as asked.
        """
        refuse_other_model(plan, self.facts)
        network, inspection = self._network_of(plan), self._inspection(plan)
        embeddings = tuple(map(_embedding_of, plan.embeddings))
        plan = with_checked_start(plan, self._facts_with(embeddings), inspection)
        encoder = self._encoder(network, embeddings)
        return Run(network, plan, self._batching, encoder, inspection)

    def run_all(self, plans: Sequence[Plan]) -> list[Result]:
        """The pictures of many plans, whose rows share forwards; each result is what `run` gives alone, as
        exactly as the model's batching promises. `Result.seconds` is not of one plan then.

        Raises:
            NegspaceError: as `run`, before anything is generated.
        """
        runs = [self.run(plan) for plan in plans]
        drivers: dict[Network, Driver] = {}
        for run in runs:
            driver = drivers.setdefault(run.network, Driver(Engine(run.network, self._batching)))
            driver.add(run, run.lanes)
        for driver in drivers.values():
            for _ in driver:
                pass
        return [run.result() for run in runs]

    def _facts_with(self, embeddings: Sequence[Embedding]) -> ModelFacts:
        """The facts with what a request adds, and the LoRA files that there are now."""
        known = tuple(embedding.facts for embedding in embeddings)
        return replace(self.facts, embeddings=known, loras=lora_names(self._source.lora_dir))

    def _network_of(self, plan: Plan) -> Network:
        """The network of a plan, with the LoRA files that it names."""
        return with_named_loras(
            self.network(plan.carried.dtype), plan.loras, plan.lora_stamps, self._source.lora_dir
        )

    def _encoder(self, network: Network, embeddings: Sequence[Embedding]) -> Encoder:
        """The network's encoder with embeddings; the last few are kept."""
        if not embeddings:
            return network.encoder
        key = (network.encoder.fingerprint, *((embedding.name, embedding.sha256) for embedding in embeddings))
        if key not in self._encoders:
            encoder = network.encoder.with_embeddings(embeddings)
            self._encoders = dict([*self._encoders.items(), (key, encoder)][-_KEPT_ENCODERS:])
        return self._encoders[key]

    def _inspection(self, plan: Plan) -> Inspection:
        judge, looks = self._judge, watched_concepts(plan) or plan.carried.wanted
        if judge is None and self.path == EMBEDDED and looks:
            judge = self._own_judge = self._own_judge or embedded_judge()
        return Inspection(judge, self._limits)

    def likeness(self, word: str, others: Sequence[str]) -> list[float]:
        """How alike a word is to each of several for the model's own text encoder: the cosine of what each
        adds to the encoding of the empty prompt, from -1 to 1. For `negspace.feedback.readers.Lexicon`.

        Raises:
            PromptError, EncodingError: a text cannot be read or encoded.
        """
        encoder = self.network().encoder
        empty = encoder.empty().hidden.flatten().float()
        hidden = [encoder.encode(parse(text, "plain")).hidden.flatten().float() for text in (word, *others)]
        added = torch.stack([states[: len(empty)] - empty for states in hidden])
        return torch.cosine_similarity(added[:1], added[1:], dim=1).tolist()

    def again(self, receipt: Receipt, index: int = 0, start: Start | None = None) -> Result:
        """Picture `index` of a receipt made once more, bit for bit on the same machine: the attempt that was
        delivered alone, as it was carried out. No policy is read and nothing is inspected.

        Args:
            receipt: of the pictures.
            index: of the picture.
            start: the picture and the mask that it was started from, which a receipt does not carry.

        Raises:
            RequestError: there is no such picture, the receipt does not say how it was carried out, or the
                start is missing or another one.
            NegspaceError: as `run`.
        """
        request = carried_out(receipt, index, start)
        embeddings = load_embeddings(request.embeddings)
        facts = self._facts_with(embeddings)
        plan = plan_governed(request, receipt.negative_dialect, facts)
        network = self._network_of(plan)
        return Run(network, plan, self._batching, self._encoder(network, embeddings)).result()

    def generate(
        self,
        prompt: str,
        *,
        avoid: str | Sequence[Avoid] | None = None,
        seed: int | None = None,
        n: int = 1,
        steps: int | None = None,
        scale: float | None = None,
        sampler: str | None = None,
        rule: str | Rule[Any] | None = None,
        dtype: DtypeName | None = None,
        operator_policies: Sequence[Policy] = (),
        tenant: str | None = None,
        **fields: Any,
    ) -> Result:
        """Pictures of a prompt without what is to be avoided.

        Args:
            avoid: what is not wanted: a text, terms, or None; None, "" and a text are three different things.
            seed: of the first picture; picture i of n is that of seed + i alone. None and -1 draw one.
            steps, scale, sampler, rule, dtype: None takes the model's default; a `Rule` has its own scale.
            operator_policies, tenant: as in `plan`.
            fields: any other field of a Request.

        Raises:
            NegspaceError: as `plan` and `run`.
        """
        fields |= {"prompt": prompt, "seed": seed, "n": n, "steps": steps, "scale": scale, "sampler": sampler}
        terms = avoid if avoid is None or isinstance(avoid, str) else tuple(avoid)
        request = Request.from_dict({**fields, "rule": rule, "dtype": dtype, "avoid": terms})
        return self.run(self.plan(request, operator_policies=operator_policies, tenant=tenant)).result()

    def generate_all(
        self,
        requests: Sequence[Request],
        *,
        operator_policies: Sequence[Policy] = (),
        tenant: str | None = None,
    ) -> list[Result]:
        """The pictures of many requests, as `run_all` makes those of their plans; policies as in `plan`.

        Raises:
            NegspaceError: as `plan` and `run`, before anything is generated.
        """
        return self.run_all(
            [self.plan(request, operator_policies=operator_policies, tenant=tenant) for request in requests]
        )


def _embedding_of(facts: EmbeddingFacts) -> Embedding:
    """An embedding of a plan, read from its file.

    Raises:
        EncodingError: it is not what it was when the plan was made.
    """
    try:
        embedding = load_embedding(facts.file, facts.name)
    except EncodingError as error:
        raise EncodingError(
            f"the file of embedding {facts.name!r} cannot be read any more; it could when the plan was made"
        ) from error
    if embedding.sha256 != facts.sha256:
        raise EncodingError(
            f"the file of embedding {facts.name!r} has changed since the plan was made; plan again"
        )
    return embedding


def load(
    name_or_path: str | Path | Source = "embedded",
    *,
    dtype: DtypeName | None = None,
    device: str | None = None,
    batching: Batching | None = None,
    judge: Judge | None = None,
    limits: Limits | None = None,
    config: str | Path | None = None,
    text_encoder: str | Path | Mapping[str, str | Path] | None = None,
    lora: Sequence[tuple[str | Path, float]] = (),
    allow_pickle: bool = False,
    savings: Sequence[Saving] = (),
    lora_dir: str | Path | None = None,
    few_step: FewStep | None = None,
    vae: str | Path | None = None,
    clip_skip: int | None = None,
) -> Model:
    """Open a model.

    Args:
        name_or_path: "embedded", a diffusers folder, a file of a whole model in its original layout, or an id
            of the Hugging Face hub. A `Source` says these from `config` on itself.
        dtype: arithmetic; None chooses by hardware.
        device: a torch device; None takes CUDA where there is one, else the CPU.
        batching: rows per forward. `FixedBatches(2)`, the default, makes every picture independent of its
            companions bit for bit; `BatchesUpTo(16)` is faster for many pictures, exact to float tolerance.
        judge: looks at every picture for what is avoided; None is nobody, but the embedded model has its own.
        limits: how often a picture is made again when a check finds something.
        text_encoder: a file or folder in place of the first text encoder, or several by their names.
        lora: files that are added to the weights, each with its weight.
        config, allow_pickle, savings, lora_dir, few_step, vae, clip_skip: as in `Source`.

    Raises:
        ModelError: nothing is there, it is of a kind that is not known, or its weights cannot be read.
    """
    swaps = text_encoder if isinstance(text_encoder, Mapping) else {"text_encoder": text_encoder}
    texts = tuple((name, place) for name, place in swaps.items() if place is not None)
    if isinstance(name_or_path, Source):
        source = name_or_path
    else:
        parts = (config, texts, tuple(lora), allow_pickle, tuple(savings), lora_dir, few_step, vae, clip_skip)
        source = Source(name_or_path, *parts)
    return Model(source, dtype, device, batching, judge, limits)
