"""Creating twice: the same body again gives the same answer, another one is refused."""

import hashlib
import json

from pydantic import BaseModel

from shared.errors import IdTaken


def hash_body(body: BaseModel) -> bytes:
    """By which a repeated creation is told from another one of the same id."""
    return hashlib.sha256(json.dumps(body.model_dump(mode="json"), sort_keys=True).encode()).digest()


def require_same_body(created_with_hash: bytes | None, body: BaseModel) -> None:
    """Raises `IdTaken` unless the object was created with this body; the hash is none where no body created it."""
    if created_with_hash != hash_body(body):
        raise IdTaken
