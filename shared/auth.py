"""Who calls: bearer tokens of the local key (people and services) or of an OIDC issuer (people)."""

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import JWSRegistry, extract_compact

from shared.errors import NoToken
from shared.settings import Settings

Role = Literal["employee", "hr", "sales_head", "director", "ops", "auditor", "service"]
ROLES: frozenset[str] = frozenset(get_args(Role))

ISSUER = AUDIENCE = "holdfast"
LOCAL_ALGORITHMS = ["Ed25519"]
OIDC_ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA", "Ed25519"]
log = structlog.get_logger()

SYSTEM_PATTERN = re.compile(r"[\w.:@/-]{1,64}")
LEEWAY = 30  # seconds
JWKS_MAX_AGE = 600  # seconds that a key set is used
JWKS_MIN_REFRESH = 60  # seconds between two refreshes for an unknown key


@dataclass(frozen=True)
class Principal:
    """The caller: `sub` is an employee id or a service's name, `system` the application that holds the token."""

    sub: str
    roles: frozenset[str]
    system: str | None = None

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)


@dataclass
class TokenKeys:
    """The local Ed25519 key, and the users' issuer if there is one. Without `jwks_url` the issuer is asked for it."""

    local: OKPKey
    issuer: str | None = None
    audience: str | None = None
    jwks_url: str | None = None
    accepted_typ: Sequence[str] = ("JWT", "at+jwt")
    sub_claim: str = "sub"
    roles_claim: str = "roles"
    jwks: KeySet | None = None
    fetched_at: float = float("-inf")
    refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)
    seen: dict[str, tuple[float, Principal]] = field(default_factory=dict)

    def issue_token(self, sub: str, roles: Sequence[str], ttl: float, system: str | None = None) -> str:
        """A token of the local key, valid for `ttl` seconds."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + int(ttl), "sub": sub, "roles": list(roles)}
        if system:
            claims["azp"] = system
        return jwt.encode({"alg": "Ed25519", "typ": "JWT"}, claims, self.local, algorithms=LOCAL_ALGORITHMS)

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """The local key, for signing something else than tokens."""
        key = self.local.private_key
        assert isinstance(key, Ed25519PrivateKey)  # noqa: S101 - all local keys are
        return key

    async def authenticate(self, token: str) -> Principal:
        """Who holds this token. Raises `NoToken`."""
        known = self.seen.get(token)
        if known and known[0] > time.time():
            return known[1]
        try:
            unverified = _read_claims_unverified(token)
            if self.issuer and unverified.get("iss") == self.issuer:
                decoded = jwt.decode(token, await self._issuer_keys(token), algorithms=OIDC_ALGORITHMS)
                issuer, audience = self.issuer, self.audience
                if decoded.header.get("typ") not in (None, *self.accepted_typ):
                    raise NoToken
            else:
                decoded = jwt.decode(token, self.local, algorithms=LOCAL_ALGORITHMS)
                issuer, audience = ISSUER, AUDIENCE
            jwt.JWTClaimsRegistry(
                leeway=LEEWAY,
                iss={"essential": True, "value": issuer or ""},
                aud={"essential": True, "value": audience or ""},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(decoded.claims)
            principal = self._principal(decoded.claims, local=issuer == ISSUER)
        except (JoseError, ValueError, TypeError, KeyError, httpx.HTTPError):
            raise NoToken from None
        if len(self.seen) > 10_000:
            self.seen.clear()
        self.seen[token] = (float(decoded.claims["exp"]) + LEEWAY, principal)
        return principal

    def _principal(self, claims: Mapping[str, Any], *, local: bool) -> Principal:
        sub = _get_claim(claims, "sub" if local else self.sub_claim)
        roles = _get_claim(claims, "roles" if local else self.roles_claim)
        if not isinstance(sub, str) or not sub or not isinstance(roles, list):
            raise NoToken
        known = frozenset(role for role in roles if isinstance(role, str)) & ROLES
        # Only the local key speaks for services: an issuer of people must not be able to name one.
        held = known if local else known - {"service"}
        return Principal(sub, held, _find_system(claims, sub if "service" in held else None))

    @property
    def _discovery(self) -> str:
        """OpenID Connect Discovery 1.0, section 4."""
        return f"{(self.issuer or '').rstrip('/')}/.well-known/openid-configuration"

    async def _issuer_keys(self, token: str) -> KeySet:
        async with self.refreshing:
            age = time.monotonic() - self.fetched_at
            kid = extract_compact(token.encode()).headers().get("kid")
            unknown = self.jwks is None or (kid is not None and kid not in {key.kid for key in self.jwks.keys})
            if age > JWKS_MAX_AGE or (unknown and age > JWKS_MIN_REFRESH):
                self.fetched_at = time.monotonic()
                try:
                    async with httpx.AsyncClient(timeout=5) as client:
                        url = self.jwks_url or (await _fetch_json(client, self._discovery))["jwks_uri"]
                        self.jwks = KeySet.import_key_set(await _fetch_json(client, url))
                except httpx.HTTPError as error:  # the keys at hand stay good while the issuer does not answer
                    log.warning("jwks.unreachable", error=type(error).__name__)
                    self.fetched_at = time.monotonic() - JWKS_MAX_AGE + JWKS_MIN_REFRESH
        if self.jwks is None:
            raise NoToken
        return self.jwks


async def _fetch_json(client: httpx.AsyncClient, url: str) -> Any:
    return (await client.get(url)).raise_for_status().json()


def _read_claims_unverified(token: str) -> Mapping[str, Any]:
    claims = json.loads(extract_compact(token.encode(), registry=JWSRegistry(algorithms=OIDC_ALGORITHMS)).payload)
    if not isinstance(claims, dict):
        raise NoToken
    return claims


def _find_system(claims: Mapping[str, Any], otherwise: str | None) -> str | None:
    """The application that asked for the token: `azp` of OpenID Connect, `client_id` of RFC 9068."""
    for name in (claims.get("azp"), claims.get("client_id"), otherwise):
        if isinstance(name, str) and SYSTEM_PATTERN.fullmatch(name):
            return name
    return None


def _get_claim(claims: Mapping[str, Any], path: str) -> Any:
    value: Any = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def create_key_file(path: Path) -> OKPKey:
    """Makes an Ed25519 key and keeps it in a file that only its owner reads."""
    key = OKPKey.generate_key("Ed25519")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(key.as_pem(private=True))
    return key


def read_key_file(path: Path) -> OKPKey:
    return OKPKey.import_key(path.read_bytes())


def make_token_keys(settings: Settings, key: OKPKey) -> TokenKeys:
    return TokenKeys(
        local=key,
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        jwks_url=settings.oidc_jwks_url,
        accepted_typ=settings.oidc_typ,
        sub_claim=settings.oidc_sub_claim,
        roles_claim=settings.oidc_roles_claim,
    )
