"""Who calls: a token is believed only if everything about it is right."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from shared.auth import AUDIENCE, ISSUER, TokenKeys, create_key_file, read_key_file
from shared.errors import NoToken
from tests.support import days

KEY = OKPKey.generate_key("Ed25519")
USERS = OKPKey.generate_key("Ed25519")


def claims(**changed: Any) -> dict[str, Any]:
    now = int(days.now().timestamp())
    whole = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 60, "sub": "7", "roles": ["hr"], **changed}
    return {name: value for name, value in whole.items() if value is not None}


def signed(key: OKPKey = KEY, **changed: Any) -> str:
    return jwt.encode({"alg": "Ed25519"}, claims(**changed), key, algorithms=["Ed25519"])


async def test_a_token_of_the_local_key_names_its_holder_and_roles() -> None:
    principal = await TokenKeys(KEY).authenticate(TokenKeys(KEY).issue_token("7", ["hr", "employee"], 60))
    assert (principal.sub, principal.roles) == ("7", {"hr", "employee"})


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": None},
        {"aud": "elsewhere"},
        {"aud": None},
        {"iss": "elsewhere"},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"roles": "hr"},
        {"roles": None},
        {"exp": "soon"},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_or_missing_claim_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(NoToken):
        await TokenKeys(KEY).authenticate(signed(**changed))


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "é.é.é", "eyJhbGciOiJub25lIn0.e30."])
async def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(NoToken):
        await TokenKeys(KEY).authenticate(token)


async def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(NoToken):
        await TokenKeys(KEY).authenticate(signed(OKPKey.generate_key("Ed25519")))


async def test_roles_that_do_not_exist_are_dropped() -> None:
    assert (await TokenKeys(KEY).authenticate(signed(roles=["hr", "king", 3]))).roles == {"hr"}


async def test_the_issuer_of_people_can_not_name_a_service() -> None:
    keys = TokenKeys(
        KEY, issuer="https://id.example", audience="crm", jwks=KeySet([USERS]), fetched_at=time.monotonic()
    )
    token = signed(USERS, iss="https://id.example", aud="crm", roles=["service", "director"])
    assert (await keys.authenticate(token)).roles == {"director"}


async def test_roles_may_be_nested_as_keycloak_does() -> None:
    keys = TokenKeys(
        KEY,
        issuer="https://id.example",
        audience="crm",
        jwks=KeySet([USERS]),
        fetched_at=time.monotonic(),
        sub_claim="employee_id",
        roles_claim="realm_access.roles",
    )
    nested = {"roles": None, "employee_id": "e-7", "realm_access": {"roles": ["sales_head"]}}
    principal = await keys.authenticate(signed(USERS, iss="https://id.example", aud="crm", **nested))
    assert (principal.sub, principal.roles) == ("e-7", {"sales_head"})


async def test_the_local_key_does_not_speak_for_the_issuer() -> None:
    keys = TokenKeys(
        KEY, issuer="https://id.example", audience="crm", jwks=KeySet([USERS]), fetched_at=time.monotonic()
    )
    with pytest.raises(NoToken):
        await keys.authenticate(signed(KEY, iss="https://id.example", aud="crm"))


async def test_the_keys_of_an_issuer_are_found_by_its_discovery_document() -> None:
    class Issuer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {
                "/.well-known/openid-configuration": {"jwks_uri": f"{issuer}/anywhere"},
                "/anywhere": KeySet([USERS]).as_dict(),
            }
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(pages[self.path]).encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Issuer) as server:
        issuer = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        keys = TokenKeys(KEY, issuer=issuer, audience="crm")
        token = signed(USERS, iss=issuer, aud="crm", roles=["director"])
        assert (await keys.authenticate(token)).roles == {"director"}
        server.shutdown()


def test_a_key_is_kept_in_a_file_that_only_its_owner_reads_and_is_never_overwritten(tmp_path: Path) -> None:
    made = create_key_file(tmp_path / "keys" / "k.pem")
    assert (tmp_path / "keys" / "k.pem").stat().st_mode & 0o077 == 0
    assert read_key_file(tmp_path / "keys" / "k.pem").as_dict(private=True)["d"] == made.as_dict(private=True)["d"]
    with pytest.raises(FileExistsError):
        create_key_file(tmp_path / "keys" / "k.pem")


@pytest.mark.parametrize(
    ("claims", "system"),
    [
        ({"azp": "crm"}, "crm"),
        ({"client_id": "crm"}, "crm"),
        ({"azp": "crm", "client_id": "other"}, "crm"),
        ({"azp": 7, "client_id": "other"}, "other"),
        ({"azp": "x" * 65}, None),
        ({"azp": "a\u0000b"}, None),
        ({"roles": ["service"]}, "somebody"),
        ({"roles": ["service"], "azp": "crm"}, "crm"),
        ({}, None),
    ],
)
def test_the_system_is_the_application_of_the_token_or_the_service_itself(claims: Any, system: str | None) -> None:
    keys = TokenKeys(local=OKPKey.generate_key("Ed25519"))
    assert keys._principal({"sub": "somebody", "roles": [], **claims}, local=True).system == system
