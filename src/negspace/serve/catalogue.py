"""The models, policies, embeddings and judges of a server. Clients use names, only the operator paths."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, final

from negspace.encoding import load_embeddings
from negspace.errors import ModelError, PolicyError, RequestError, lookup
from negspace.facts import EmbeddingFacts, ModelFacts
from negspace.judge import Judge, embedded_judge
from negspace.models.catalogue import read_facts
from negspace.models.files.source import EMBEDDED, Source
from negspace.models.lora.folder import lora_names, lora_stamps
from negspace.planning.plan import Plan, plan
from negspace.policy.loading import load_policy, shipped_names
from negspace.policy.policy import Policy
from negspace.receipt import Receipt
from negspace.request import Request
from negspace.ruletext import Call, Value, read
from negspace.serve.access.tenants import Tenant
from negspace.serve.settings import ServerSettings


@final
class Catalogue:
    """The models, policies and embeddings that requests may name.

    Args:
        settings: of the server.

    Attributes:
        models: the facts of each model by name. The first is the default.
        policies: by name.
        embedding_facts: by name of the embedding.

    Raises:
        ModelError, PolicyError, EncodingError: a file in the settings cannot be read.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._sources = {
            name: replace(source, lora_dir=source.lora_dir or settings.lora_dir)
            for name, source in settings.models.items()
        }
        self._aliases = dict(settings.aliases)
        self._fitted = settings.fit_sizes
        self._policy_files = {name: name for name in shipped_names()} | {
            name: str(file) for name, file in settings.policies.items()
        }
        self._operator_policies = frozenset(settings.policies)
        self._embedding_files = {name: str(file) for name, file in settings.embeddings.items()}
        self.models: Mapping[str, ModelFacts] = {
            name: read_facts(source) for name, source in self._sources.items()
        }
        self.policies: Mapping[str, Policy] = {
            name: load_policy(file) for name, file in self._policy_files.items()
        }
        embeddings = load_embeddings(tuple(self._embedding_files.values()))
        self._facts_by_file = {embedding.facts.file: embedding.facts for embedding in embeddings}
        self.embedding_facts: Mapping[str, EmbeddingFacts] = {
            name: self._facts_by_file[file] for name, file in self._embedding_files.items()
        }

    @property
    def default(self) -> str:
        """The model of a request that names none."""
        return next(iter(self._sources))

    def facts(self, model: str | None) -> ModelFacts:
        """The facts of a model; None is the default.

        Raises:
            RequestError: there is no model of this name.
        """
        return self.models[self.model_name(model)]

    def policies_for(self, tenant: Tenant) -> Mapping[str, Policy]:
        """The policies that a tenant may name: what ships, and the operator's that are not hidden from it."""
        hidden = tenant.hidden_policies & self._operator_policies
        return {name: policy for name, policy in self.policies.items() if name not in hidden}

    def policy(self, name: str, tenant: Tenant) -> Policy:
        """A policy that a tenant names.

        Raises:
            RequestError: there is no policy of this name for it.
        """
        return lookup("policy", name, self.policies_for(tenant), RequestError)

    def check_rights(self, tenant: Tenant) -> None:
        """Stop where the rights of a tenant name a policy or a model that is not there.

        Raises:
            PolicyError, ModelError: they do.
        """
        for policy in tenant.policies:
            lookup(f"policy of tenant {tenant.name}", policy, self.policies, PolicyError)
        for model in tenant.models or ():
            lookup(f"model of tenant {tenant.name}", model, self._sources, ModelError)

    def model_name(self, name: str | None) -> str:
        """The name of a model, also by an alias that clients have built in; None is the default.

        Raises:
            RequestError: there is no such model.
        """
        model = self._aliases.get(name or "", name) or self.default
        lookup("model", model, self._sources, RequestError)
        return model

    def models_for(self, tenant: Tenant) -> Mapping[str, ModelFacts]:
        """The models that a tenant may use."""
        return {name: facts for name, facts in self.models.items() if tenant.may_use(name)}

    def loras(self, tenant: Tenant) -> dict[str, tuple[str, ...]]:
        """The LoRA files that are there now, by model that a tenant may use.

        Raises:
            ModelError: a folder of them is gone.
        """
        return {model: self._loras(model) or () for model in self.models_for(tenant)}

    def _loras(self, model: str) -> tuple[str, ...] | None:
        return lora_names(self._sources[model].lora_dir)

    def source(self, model: str) -> Source:
        """The files of a model."""
        return self._sources[model]

    def resolved(self, request: Request, tenant: Tenant) -> Request:
        """The request of a tenant with its model, and with file paths instead of names of policies and
        embeddings.

        It is for the server itself; what clients see has names, see `public_receipt`.

        Raises:
            RequestError: it names something that does not exist, or a path.
        """
        if request.rule is not None:
            _refuse_paths(read(request.rule))
        return request.model_copy(
            update={
                "model": (model := self.model_name(request.model)),
                "fit_size": model in self._fitted if request.fit_size is None else request.fit_size,
                "policies": _files("policy", request.policies, self._policy_files_for(tenant)),
                "embeddings": _files("embedding", request.embeddings, self._embedding_files),
            }
        )

    def _policy_files_for(self, tenant: Tenant) -> dict[str, str]:
        return {name: self._policy_files[name] for name in self.policies_for(tenant)}

    def plan(self, resolved: Request, tenant: Tenant) -> Plan:
        """The plan of a resolved request.

        Raises:
            NegspaceError: as `negspace.plan`.
        """
        embeddings = tuple(self._facts_by_file[file] for file in resolved.embeddings)
        model = resolved.model or self.default
        facts = replace(self.models[model], embeddings=embeddings, loras=self._loras(model))
        policies = tuple(self.policies[name] for name in tenant.policies)
        compiled = plan(resolved, facts, operator_policies=policies, tenant=tenant.name)
        stamps = lora_stamps(compiled.loras, self._sources[model].lora_dir)
        return compiled.model_copy(update={"lora_stamps": stamps})

    def public_receipt(self, receipt: Receipt, request: Request) -> Receipt:
        """A receipt for clients: with the names of the request instead of file paths."""
        picture = {"seed": receipt.request.seed, "n": receipt.request.n}
        carried = receipt.carried and receipt.carried.model_copy(update=_names(request))
        return receipt.model_copy(
            update={
                "request": request.without_pixels().model_copy(update=picture),
                "carried": carried,
                "embeddings": self._with_names(receipt.embeddings),
            }
        )

    def public_plan(self, planned: Plan, request: Request) -> Plan:
        """A plan for clients: with the names of the request instead of file paths."""
        return planned.model_copy(
            update={
                "request": request.without_pixels(),
                "carried": planned.carried.without_pixels().model_copy(update=_names(request)),
                "embeddings": self._with_names(planned.embeddings),
            }
        )

    def _with_names(self, embeddings: Sequence[EmbeddingFacts]) -> tuple[EmbeddingFacts, ...]:
        names = {file: name for name, file in self._embedding_files.items()}
        # an accepted plan may have an embedding that the settings do not name any more
        return tuple(replace(facts, file=names.get(facts.file, facts.name)) for facts in embeddings)


@final
class Judges:
    """The judge of each model, opened at its first use. May be called by any thread.

    Args:
        catalogue: has the files of each model.
        open: opens the judge of the embedded model, the only model with a judge of its own.
    """

    def __init__(self, catalogue: Catalogue, open: Callable[[], Judge] = embedded_judge) -> None:
        self._catalogue = catalogue
        self._open = open
        self._lock = Lock()
        self._embedded: Judge | None = None

    def of(self, model: str) -> Judge | None:
        """The judge of a model's pictures; None if it has none.

        Raises:
            JudgeError: the judge does not fit the weights.
        """
        if self._catalogue.source(model).path != EMBEDDED:
            return None
        with self._lock:
            if self._embedded is None:
                self._embedded = self._open()
            return self._embedded


def _names(request: Request) -> dict[str, Any]:
    return {"policies": request.policies, "embeddings": request.embeddings, "model": request.model}


def _files(kind: str, names: Sequence[str], files: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(lookup(kind, name, files, RequestError) for name in names)


def _refuse_paths(rule: Call) -> None:
    """Rules may name folders of weights, which only the operator may choose."""
    for call in rule.calls():
        values: tuple[Value, ...] = (*call.values, *(value for _, value in call.named))
        if any(isinstance(value, str) for value in values):
            raise RequestError(
                f"rule {call.name}: a text value names a file, which a server does not open for clients"
            )
