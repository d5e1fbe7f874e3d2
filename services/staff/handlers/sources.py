"""Sources of news: each signs with a secret of its own; the one before stays valid for a day after a change."""

import base64
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, StringConstraints

from services.staff.handlers import refusals
from services.staff.handlers.bodies import hash_of
from services.staff.store import hris as store
from shared.contracts.clients import JournalEntry
from shared.database import UnitOfWork
from shared.errors import Exists, NotFound
from shared.http.fields import Body
from shared.ids import Id

OLD_SECRET_VALID = timedelta(hours=24)
PREFIX = "whsec_"


def _is_secret(value: str) -> str:
    try:
        size = len(base64.b64decode(value.removeprefix(PREFIX), validate=True))
    except ValueError:
        size = 0
    if not 24 <= size <= 64:
        raise ValueError("give 24 to 64 bytes in base64, with `whsec_` before them or not, or leave it out")
    return value


Secret = Annotated[str, StringConstraints(max_length=200), AfterValidator(_is_secret)]


class NewSource(Body):
    """`secret` only where the HRIS makes its own."""

    id: Id
    kind: Literal["generic", "bamboohr", "personio", "gusto", "onec", "csv"]
    secret: Secret | None = None
    api: dict[str, str] | None = None


class NewSecret(Body):
    secret: Secret | None = None


def make_secret() -> str:
    """A secret as Standard Webhooks writes them: 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


async def create(work: UnitOfWork, body: NewSource) -> Mapping[str, Any]:
    """The source, with its secret this one time. Raises `Exists`, `UnsupportedKind`, `NothingToPoll`."""
    if body.kind != "generic":
        raise refusals.UnsupportedKind
    if body.api is not None:
        raise refusals.NothingToPoll
    secret = body.secret or make_secret()
    row = await work.fetch_row(
        """
        INSERT INTO hris_sources (id, kind, secret, created_at, body_hash) VALUES (:id, :kind, :secret, :now, :hash)
        ON CONFLICT (id) DO NOTHING RETURNING id, kind, created_at, NULL AS previous_until
        """,
        id=body.id,
        kind=body.kind,
        secret=secret,
        now=work.now,
        hash=hash_of(body),
    )
    if row is None:
        known = await _one(work, body.id)
        if known["body_hash"] is None or bytes(known["body_hash"]) != hash_of(body):
            raise Exists
        return {**known, "secret": None}
    _journal(work, "source.created", body.id)
    return {**row, "secret": secret}


async def renew_secret(work: UnitOfWork, source_id: str, body: NewSecret) -> Mapping[str, Any]:
    """A new secret; each one before signs for another 24 hours."""
    await _one(work, source_id)
    secret = body.secret or make_secret()
    await work.execute(
        """
        UPDATE hris_sources SET secret = :secret,
               previous = jsonb_build_object('secret', secret, 'until', CAST(:until AS timestamptz)) || (
                   SELECT coalesce(jsonb_agg(p), '[]') FROM jsonb_array_elements(previous) AS p
                   WHERE CAST(p ->> 'until' AS timestamptz) > :now)
        WHERE id = :id
        """,
        id=source_id,
        secret=secret,
        now=work.now,
        until=work.now + OLD_SECRET_VALID,
    )
    _journal(work, "source.secret_renewed", source_id)
    return {**await _one(work, source_id), "secret": secret}


async def _one(work: UnitOfWork, source_id: str) -> Mapping[str, Any]:
    row = await store.source(work, source_id, lock=True)
    if row is None:
        raise NotFound
    return row


def _journal(work: UnitOfWork, kind: str, source_id: str) -> None:
    work.publish(JournalEntry(kind=kind, actor_id=work.actor, details={"source_id": source_id}))
