"""Finished jobs: given to the tenant that they belong to, and deleted when they are old."""

import asyncio
import logging
import shutil
import time
from pathlib import Path
from typing import final

from sqlalchemy.exc import SQLAlchemyError

from negspace.errors import NegspaceError
from negspace.serve.access.tenants import Tenant
from negspace.serve.jobs.job import Finished, JobPicture, job_of, picture_id
from negspace.serve.jobs.outcomes import stored_refusal
from negspace.serve.refusal import Refusal, not_found
from negspace.store import FinishedRequest, Store
from negspace.store.store import DAY

log = logging.getLogger(__name__)

_HOUR = 3600.0


@final
class Archive:
    """The finished jobs of every tenant, from a store and the folder of the server."""

    def __init__(self, store: Store, data: Path) -> None:
        self._store = store
        self._data = data

    async def finished(self, id: str, tenant: Tenant) -> Finished:
        """A job that came to its end, its pictures read from the store.

        Raises:
            Refusal: there is none, it is another tenant's, or it failed.
        """
        request = await self._finished_request(id, tenant)
        files = [await asyncio.to_thread(self._store.picture, stored.sha256) for stored in request.pictures]
        pictures = tuple(
            JobPicture(picture_id(id, stored.place), file, request.receipt.single(stored.place))
            for stored, file in zip(request.pictures, files, strict=True)
        )
        return Finished(id, pictures, request.receipt, request.moment - request.accepted.moment)

    async def _finished_request(self, id: str, tenant: Tenant) -> FinishedRequest:
        request = await asyncio.to_thread(self._store.finished, id)
        if request is not None and tenant.sees(request.accepted.tenant):
            return request
        state = await asyncio.to_thread(self._store.state, id)
        if state is not None and state.failure is not None and tenant.sees(state.accepted.tenant):
            raise stored_refusal(state.failure)
        raise not_found(f"finished job {id!r}")

    async def request_of_picture(self, picture: str, tenant: Tenant) -> FinishedRequest:
        """The job of a picture, by the picture's id.

        Raises:
            Refusal: there is no such picture, or it is another tenant's.
        """
        request = await asyncio.to_thread(self._store.finished, job_of(picture))
        if request is not None and tenant.sees(request.accepted.tenant):
            if any(picture_id(request.accepted.id, stored.place) == picture for stored in request.pictures):
                return request
        raise not_found(f"picture {picture!r}")

    async def picture(self, id: str, tenant: Tenant) -> JobPicture:
        """A finished picture.

        Raises:
            Refusal: there is none, or it is another tenant's.
        """
        request = await self.request_of_picture(id, tenant)
        (stored,) = (entry for entry in request.pictures if picture_id(job_of(id), entry.place) == id)
        content = await asyncio.to_thread(self._store.picture, stored.sha256)
        return JobPicture(id, content, request.receipt.single(stored.place))

    async def delete(self, id: str, tenant: Tenant) -> None:
        """Delete a job that has ended, with its pictures and receipt.

        Raises:
            Refusal: there is none, or it is another tenant's, or it has not ended.
        """
        state = await asyncio.to_thread(self._store.state, id)
        if state is None or not tenant.sees(state.accepted.tenant):
            raise not_found(f"job {id!r}")
        if not await asyncio.to_thread(self._store.delete, id):
            raise Refusal(f"job {id!r} has not ended; cancel it first", 409, "under-way")

    def trial_folder(self, trial: str) -> Path:
        """The folder for the pictures of a trial."""
        return self._data / "proofs" / trial

    async def delete_trial(self, id: str, tenant: Tenant) -> None:
        """Delete a trial of a tenant, with the pictures it was made of.

        Raises:
            Refusal: there is none.
        """
        if not await asyncio.to_thread(self._store.delete_trial, id, tenant.name):
            raise not_found(f"trial {id!r}")
        await asyncio.to_thread(shutil.rmtree, self.trial_folder(id), True)

    async def expire_hourly(self, days: float) -> None:
        """Delete, once an hour and until cancelled, what ended more than so many days ago."""
        while True:
            try:
                await asyncio.to_thread(self._expire, time.time() - days * DAY)
            except (NegspaceError, SQLAlchemyError, OSError) as error:
                log.error("what is old could not be deleted", exc_info=error)
            await asyncio.sleep(_HOUR)

    def _expire(self, before: float) -> None:
        self._store.expire(before)
        for folder in self.trial_folder("").glob("*"):
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)
