"""Trials that people watch: what is known of each of them now, for any number of viewers."""

import asyncio
import math
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from negspace.errors import NegspaceError
from negspace.lab import Progress
from negspace.lab.proof import ALPHA
from negspace.lab.study import shown_terms
from negspace.lab.trial import Trial
from negspace.request import Request
from negspace.serve.access.tenants import Tenant
from negspace.serve.proving import prove
from negspace.serve.refusal import Refusal, not_found, refusal_of, too_many
from negspace.serve.service import Service, cost_of

_MOST = 100
"""Trials that are remembered; those that have ended are forgotten first."""


@dataclass(eq=False)
class WatchedTrial:
    """One trial, and what its viewers see.

    Attributes:
        id: by which it is watched.
        tenant: whose it is.
        prompt, avoid: the question.
        snapshot: what is known now, as JSON can hold it.
        task: the work.
    """

    id: str
    tenant: str
    prompt: str
    avoid: str
    snapshot: dict[str, Any]
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    task: "asyncio.Task[None] | None" = None

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.snapshot["state"] in ("done", "stopped", "failed")

    async def put(self, **news: Any) -> None:
        """Show something new to everyone who watches."""
        async with self.changed:
            self.snapshot = self.snapshot | news
            self.changed.notify_all()

    async def snapshots(self) -> AsyncIterator[dict[str, Any]]:
        """What is known now, and again whenever that changes; a slow viewer misses what is between."""
        shown: dict[str, Any] = {}
        while shown is not self.snapshot or not self.ended:
            async with self.changed:
                while shown is self.snapshot:
                    await self.changed.wait()
                shown = self.snapshot
            yield shown


@final
class Trials:
    """The trials of this server that run or have ended since its start."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._trials: dict[str, WatchedTrial] = {}

    def get(self, id: str, tenant: Tenant) -> WatchedTrial:
        """A trial of a tenant.

        Raises:
            Refusal: there is none.
        """
        trial = self._trials.get(id)
        if trial is None or not tenant.sees(trial.tenant):
            raise not_found(f"trial {id!r} under way")
        return trial

    def of(self, tenant: Tenant) -> list[WatchedTrial]:
        """The trials of a tenant, the newest first."""
        return [trial for trial in reversed(self._trials.values()) if trial.tenant == tenant.name]

    async def start(self, request: Request, most_pictures: int, tenant: Tenant) -> WatchedTrial:
        """Begin a trial of what a request avoids.

        Raises:
            NegspaceError: the request is impossible, or not for this tenant.
            Refusal: another trial of the tenant is under way.
        """
        if any(not trial.ended for trial in self.of(tenant)):
            raise too_many("another trial of yours is under way; stop it first", 60.0)
        plan = await self._service.plan(request, tenant)
        terms = [term.avoid.term for term in plan.terms]
        snapshot = {
            "state": "waiting",
            "stage": "",
            "done": 0,
            "left": most_pictures,
            "terms": _unknown(terms),
        }
        trial = WatchedTrial(secrets.token_hex(8), tenant.name, request.prompt, str(request.avoid), snapshot)
        self._forget()
        self._trials[trial.id] = trial
        trial.task = asyncio.create_task(self._run(trial, request, most_pictures, tenant, cost_of(plan)))
        return trial

    async def stop(self) -> None:
        """Stop every trial."""
        tasks = [trial.task for trial in self._trials.values() if trial.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self) -> None:
        for id in [id for id, trial in self._trials.items() if trial.ended]:
            if len(self._trials) >= _MOST:
                del self._trials[id]

    async def _run(
        self, trial: WatchedTrial, request: Request, most: int, tenant: Tenant, cost: float
    ) -> None:
        async def report(progress: Progress, trials: Mapping[str, Trial]) -> None:
            news = {"stage": progress.stage, "done": progress.done, "left": progress.left}
            await trial.put(state="running", seconds=progress.seconds, **news, **_terms(trial, trials))

        settings = {
            "scale": request.scale,
            "steps": request.steps,
            "rule": request.rule,
            "seed": request.seed,
        }
        model = self._service.catalogue.model_name(request.model)
        question = (trial.prompt, trial.avoid, model, {**settings, "max_pictures": most})
        try:
            id, result = await prove(self._service, tenant, *question, cost, report)
            await trial.put(state="done", left=0, report=id, answer=result.answer)
        except asyncio.CancelledError:
            await trial.put(state="stopped")
        except NegspaceError as error:
            await trial.put(state="failed", error=str(refusal_of(error)))
        except Exception as error:
            await trial.put(state="failed", error=str(refusal_of(error)))
            raise


def _unknown(terms: list[str]) -> list[dict[str, Any]]:
    return [_term(term, None, kept=False, needed=1.0) for term in terms]


def _terms(trial: WatchedTrial, trials: Mapping[str, Trial]) -> dict[str, Any]:
    """What is known of each term, where something is."""
    if not trials:
        return {}
    kept, needed = shown_terms(dict(trials), ALPHA), math.log(len(trials) / ALPHA)
    names = [entry["term"] for entry in trial.snapshot["terms"]]
    return {"terms": [_term(name, trials.get(name), kept=name in kept, needed=needed) for name in names]}


def _term(name: str, trial: Trial | None, *, kept: bool, needed: float) -> dict[str, Any]:
    """One term: its pairs, and its evidence as a share of what is enough for a term alone."""
    if trial is None:
        return {"term": name, "pairs": 0, "helped": 0, "harmed": 0, "share": 0.0, "state": "open"}
    better = trial.helped >= trial.harmed
    state = ("helps" if better else "harms") if kept else "futile" if trial.futile else "open"
    share = min(1.0, max(0.0, trial.log_evidence / needed))
    counts = {"pairs": trial.pairs, "helped": trial.helped, "harmed": trial.harmed}
    return {"term": name, **counts, "share": round(share, 4), "state": state}


def stopped_by(trial: WatchedTrial) -> None:
    """Stop a trial; what it has made is kept, and the same question continues with it.

    Raises:
        Refusal: it has ended.
    """
    if trial.task is None or trial.ended:
        raise Refusal("the trial has ended", 409, "ended")
    trial.task.cancel()
