"""The audit log: what was refused, blocked and withheld, for whom and by which policy."""

import hashlib
import logging
from collections.abc import Iterator
from typing import Any, final

from negspace.planning.plan import Plan
from negspace.receipt import Receipt
from negspace.serve.access.tenants import Tenant
from negspace.serve.jobs.job import AcceptedJob, Finished
from negspace.serve.observe import Meter
from negspace.serve.refusal import Refusal

log = logging.getLogger("negspace.audit")


@final
class AuditLog(Meter):
    """Logs a line for every request that is refused or blocked, and for every picture that is withheld.

    A prompt is named by its sha256, so that equal ones are found; its text is logged if asked for.

    Args:
        prompts: whether the log contains the texts of prompts.
    """

    def __init__(self, prompts: bool) -> None:
        self._prompts = prompts

    def refused(self, path: str, tenant: Tenant | None, refusal: Refusal) -> None:
        """A request was answered with a refusal; None is a caller without a valid key."""
        name = None if tenant is None else tenant.name
        fields = {"path": path, "tenant": name, "status": refusal.status, "code": refusal.code}
        log.info("refused", extra={"fields": fields})

    def blocked(self, tenant: Tenant, plan: Plan) -> None:
        """A request was planned; where policies keep it from being carried out, there is a line for each."""
        for block in plan.blocks:
            fields = {"tenant": tenant.name, "policy": block.policy, "term": block.term}
            log.info("blocked", extra={"fields": fields | self._prompt(plan.request.prompt)})

    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        """Steps are not audited."""

    def finished(self, job: AcceptedJob, finished: Finished) -> None:
        for fields in _withheld(finished.receipt):
            identity = {"job": job.id, "tenant": job.tenant.name}
            log.info("withheld", extra={"fields": identity | fields | self._prompt(job.request.prompt)})

    def failed(self, job: AcceptedJob, refusal: Refusal) -> None:
        fields = {"job": job.id, "tenant": job.tenant.name, "status": refusal.status, "code": refusal.code}
        log.info("failed", extra={"fields": fields | self._prompt(job.request.prompt)})

    def _prompt(self, text: str) -> dict[str, str]:
        named = {"prompt_sha256": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()}
        return named | ({"prompt": text} if self._prompts else {})


def _withheld(receipt: Receipt) -> Iterator[dict[str, Any]]:
    """The withheld pictures of a receipt: what was seen in each, and who does not want it."""
    sources = {term.concept: term.source for term in receipt.terms}
    for image in receipt.withheld:
        seen = [verdict.concept for verdict in image.final_verdicts if verdict.verdict != "absent"]
        policies = list(dict.fromkeys(sources.get(concept, "user") for concept in seen))
        yield {"seed": image.seed, "concepts": seen, "policies": policies, "flags": list(image.flags)}
