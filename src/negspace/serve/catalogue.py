"""Catalogue: what a request may ask for by name. Strangers name things; only the operator knows places."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import final

from negspace.encoding import load_embeddings
from negspace.errors import RequestError, named
from negspace.facts import EmbeddingFacts, ModelFacts
from negspace.models.files.folder import read_facts
from negspace.models.files.source import Source
from negspace.planning.plan import Plan, plan
from negspace.policy.policy import Policy, load_policy
from negspace.policy.policy import names as shipped
from negspace.receipt import Receipt
from negspace.request import Request
from negspace.ruletext import Call, Value, read
from negspace.serve.access.tenants import Tenant
from negspace.serve.settings import ServerSettings


@final
class Catalogue:
    """What may be asked for.

    Args:
        settings: of the server.

    Attributes:
        models: what each can be told, by name. The first is the default.
        policies: by name.
        taught: what each embedding teaches, by name.

    Raises:
        ModelError, PolicyError, EncodingError: something in the settings cannot be read.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._places = dict(settings.models)
        self._aliases = dict(settings.aliases)
        self._policies = {name: name for name in shipped()} | {
            name: str(place) for name, place in settings.policies.items()
        }
        self._embeddings = {name: str(place) for name, place in settings.embeddings.items()}
        self.models: Mapping[str, ModelFacts] = {
            name: read_facts(place) for name, place in self._places.items()
        }
        self.policies: Mapping[str, Policy] = {
            name: load_policy(place) for name, place in self._policies.items()
        }
        read = load_embeddings(tuple(self._embeddings.values()))
        self._taught = {one.facts.file: one.facts for one in read}
        self.taught: Mapping[str, EmbeddingFacts] = {
            name: self._taught[place] for name, place in self._embeddings.items()
        }

    @property
    def default(self) -> str:
        """The model that is meant where none is named."""
        return next(iter(self._places))

    @property
    def embeddings(self) -> tuple[str, ...]:
        """Names of the embeddings."""
        return tuple(self._embeddings)

    def facts(self, model: str | None) -> ModelFacts:
        """What a model can be told; None is the default.

        Raises:
            RequestError: there is none of this name.
        """
        return self.models[self.model(model)]

    def policy(self, name: str) -> Policy:
        """A policy by name.

        Raises:
            RequestError: there is none of this name.
        """
        return named("policy", name, self.policies, RequestError)

    def model(self, name: str | None) -> str:
        """The model that is meant by a name, which may be one that clients have built in.

        Raises:
            RequestError: none is.
        """
        meant = self._aliases.get(name or "", name) or self.default
        named("model", meant, self._places, RequestError)
        return meant

    def source(self, model: str) -> Source:
        """What is to be opened for a model."""
        return self._places[model]

    def carried(self, request: Request) -> Request:
        """The request with its model, and with the places of what else it names, for our own eyes.

        Raises:
            RequestError: it names something that is not there, or a place.
        """
        if request.rule is not None:
            _refuse_places(read(request.rule))
        known = self._policies, self._embeddings
        policies, embeddings = (
            tuple(named(kind, one, places, RequestError) for one in asked)
            for kind, asked, places in zip(
                ("policy", "embedding"), (request.policies, request.embeddings), known, strict=True
            )
        )
        return request.model_copy(
            update={
                "model": self.model(request.model),
                "policies": policies,
                "embeddings": embeddings,
            }
        )

    def plan(self, request: Request, tenant: Tenant) -> Plan:
        """The plan of a request as `carried` gives it.

        Raises:
            NegspaceError: as `negspace.plan`.
        """
        taught = tuple(self._taught[file] for file in request.embeddings)
        facts = replace(self.models[request.model or self.default], embeddings=taught)
        return plan(request, facts, operator_policies=self.binding(tenant), tenant=tenant.name)

    def binding(self, tenant: Tenant) -> tuple[Policy, ...]:
        """The policies that every request of a tenant is under."""
        return tuple(self.policies[name] for name in tenant.policies)

    def shown(self, receipt: Receipt, asked: Request) -> Receipt:
        """A receipt as others may see it: with names instead of places."""
        taught = self._named(receipt.embeddings)
        own = {"seed": receipt.request.seed, "n": receipt.request.n}
        named = {"policies": asked.policies, "embeddings": asked.embeddings, "model": asked.model}
        carried = None if receipt.carried is None else receipt.carried.model_copy(update=named)
        return receipt.model_copy(
            update={
                "request": asked.without_pixels().model_copy(update=own),
                "carried": carried,
                "embeddings": taught,
            }
        )

    def shown_plan(self, planned: Plan, asked: Request) -> Plan:
        """A plan as others may see it: with names instead of places."""
        named = {"policies": asked.policies, "embeddings": asked.embeddings, "model": asked.model}
        return planned.model_copy(
            update={
                "request": asked.without_pixels(),
                "carried": planned.carried.without_pixels().model_copy(update=named),
                "embeddings": self._named(planned.embeddings),
            }
        )

    def _named(self, taught: Sequence[EmbeddingFacts]) -> tuple[EmbeddingFacts, ...]:
        names = {place: name for name, place in self._embeddings.items()}
        return tuple(replace(one, file=names[one.file]) for one in taught)


def _refuse_places(call: Call) -> None:
    """Rules may name folders of weights, which only who runs the server may choose."""
    for one in call.calls():
        values: tuple[Value, ...] = (*one.values, *(value for _, value in one.named))
        if any(isinstance(value, str) for value in values):
            raise RequestError(
                f"rule {one.name}: a text as a setting names a file, which a server does not open"
            )
