"""How commands end, for whoever calls them from a script, and what they do with settings that cannot be used."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import fasteners
import pytest

from services.wiring import create_and_migrate_databases, load_service
from shared.auth import create_key_file, make_token_keys
from shared.database import open_database
from shared.migrations import describe_version_fault
from shared.settings import SERVICES, Settings
from tests.support.postgres import get_server


def ended(*arguments: str, **env: str) -> tuple[int, str]:
    """The exit status of a command, and what it said of it."""
    done = subprocess.run(
        [sys.executable, "-m", "services", *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_up_on_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with fasteners.InterProcessLock(tmp_path / "lock"):
        status, said = ended("up", "--data-dir", str(tmp_path))
    assert (status, "another" in said) == (1, True)


@pytest.mark.parametrize("key", ["no-such-file", "not-a-key"])
def test_a_key_that_cannot_be_used_is_wrong_usage(tmp_path: Path, key: str) -> None:
    (tmp_path / "not-a-key").write_text("nothing")
    assert ended("token", "--role", "hr", "--key", str(tmp_path / key))[0] == 2


def test_a_file_of_a_setting_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    status, said = ended("migrate", "staff", DATABASE_URL_FILE=str(tmp_path / "none"))
    assert (status, "DATABASE_URL_FILE" in said) == (2, True)


@pytest.mark.processes
async def test_a_token_is_printed_as_json_too(tmp_path: Path) -> None:
    key = create_key_file(tmp_path / "key.pem")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services", "token", "--role", "hr", "--key", str(tmp_path / "key.pem"), "--json"],
        capture_output=True,
        check=True,
    )
    printed = json.loads(done.stdout)
    principal = await make_token_keys(Settings(), key).authenticate(printed["token"])
    assert (principal.sub, principal.roles) == (printed["sub"], set(printed["roles"])) == ("hr", {"hr"})


async def test_migrating_all_gives_each_service_a_database_of_its_own() -> None:
    settings = Settings(database_url=get_server().get_uri(database="all_of_them"))
    await create_and_migrate_databases(SERVICES, settings)
    for name in SERVICES:
        database = open_database(get_server().get_uri(database=f"all_of_them_{name}"))
        async with database.connect() as connection:
            assert await describe_version_fault(connection, load_service(name)) is None
        await database.close()
