"""Settings, read once from the environment (contract.md names them)."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AliasChoices, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICES = ("staff", "clients", "orders", "offboarding")


def _check_brake(value: str) -> str:
    number = value.removesuffix("%")
    if not number.replace(".", "", 1).isdigit():
        raise ValueError("give a number of departures (3) or a share of the staff (5%)")
    return value


def _check_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("give the name of a time zone, for example Europe/Berlin") from None
    return value


class Settings(BaseSettings):
    """What an operator can set. A value of `X` may also stand in a file that `X_FILE` names (database URLs, keys)."""

    model_config = SettingsConfigDict(env_prefix="HOLDFAST_", extra="ignore", frozen=True, populate_by_name=True)

    data_dir: Path = Path(".holdfast")
    port: int = 8000
    currency: str = "EUR"
    auto_approve_up_to: int = Field(default=0, ge=0)
    hold_departures_above: Annotated[str, AfterValidator(_check_brake)] = "5%"
    freeze_held: bool = False
    policy_required: bool = True
    last_resort: str | None = None
    timezone: Annotated[str, AfterValidator(_check_timezone)] = "UTC"
    holidays: str | None = None
    visit_days: int = Field(default=3, ge=1)
    visits_per_day: int = Field(default=4, ge=1)
    lookback_days: int = Field(default=90, ge=1, le=180)
    journal_keep: int = Field(default=24, ge=0, le=1_200)
    journal_archive: Path | None = None
    disk_reserve: int = Field(default=512 * 1024 * 1024, ge=0)
    database_limit: int | None = Field(default=None, ge=1)
    checkpoint_file: Path | None = None
    checkpoint_webhook: str | None = None
    export_limit: int = Field(default=100, ge=0)
    usage_keep: int = Field(default=400, ge=1, le=3650)
    exposure_off: str = ""
    alert_value: Decimal | None = Field(default=None, ge=0)

    kafka_replication: int = Field(default=1, ge=1)

    url: str | None = None
    staff_url: str | None = None
    clients_url: str | None = None
    orders_url: str | None = None
    offboarding_url: str | None = None
    staff_database_url: str | None = None
    clients_database_url: str | None = None
    orders_database_url: str | None = None
    offboarding_database_url: str | None = None
    staff_database_url_file: Path | None = None
    clients_database_url_file: Path | None = None
    orders_database_url_file: Path | None = None
    offboarding_database_url_file: Path | None = None
    signing_key_file: Path | None = None
    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_jwks_url: str | None = None
    oidc_typ: list[str] = ["JWT", "at+jwt"]
    oidc_sub_claim: str = "sub"
    oidc_roles_claim: str = "roles"

    database_url: str | None = Field(default=None, validation_alias=AliasChoices("DATABASE_URL", "database_url"))
    database_url_file: Path | None = Field(default=None, validation_alias=AliasChoices("DATABASE_URL_FILE"))
    kafka_bootstrap_servers: str | None = Field(
        default=None, validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "kafka_bootstrap_servers")
    )
    log_level: str = Field(default="INFO", validation_alias=AliasChoices("LOG_LEVEL", "log_level"))

    @field_validator("holidays")
    @classmethod
    def _known_country(cls, value: str | None) -> str | None:
        if value:
            import holidays

            country, _, part = value.partition("-")
            if part not in ("", *holidays.list_supported_countries().get(country, ["?"])) or (
                country not in holidays.list_supported_countries()
            ):
                raise ValueError("give a country, and a part of it if need be, for example DE-BE")
        return value or None

    @model_validator(mode="after")
    def _read_files(self) -> Self:
        for name in ("database_url", *(f"{service}_database_url" for service in SERVICES)):
            file = getattr(self, f"{name}_file")
            if file and not getattr(self, name):
                try:
                    object.__setattr__(self, name, file.read_text().strip())
                except OSError:
                    raise ValueError(f"the file that {name.upper()}_FILE names cannot be read") from None
        return self

    def url_of(self, service: str) -> str | None:
        """The address by which the services reach each other."""
        return getattr(self, f"{service}_url") or self.url

    def database_of(self, service: str) -> str | None:
        return getattr(self, f"{service}_database_url") or self.database_url
