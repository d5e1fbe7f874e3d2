"""The house is in order: the same files in each service, small files, names that say something, pure rules."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.settings import SERVICES

ROOT = Path(__file__).parent.parent.parent
SAME = ["__init__", "api", "domain", "handlers", "manifest", "migrations", "store"]
EXTRA = {
    "staff": {"scim", "webhooks"},
    "clients": set(),
    "orders": set(),
    "offboarding": {"saga", "planner", "jobs", "directory"},
}
LINES = 350
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager"}
IMPURE_MODULES = {
    "time",
    "random",
    "secrets",
    "os",
    "socket",
    "subprocess",
    "asyncio",
    "threading",
    "pathlib",
    "logging",
}
IMPURE_CALLS = {"now", "utcnow", "today", "uuid1", "uuid4", "open", "print", "input", "getenv"}


def sources() -> Iterator[Path]:
    for folder in ("shared", "services"):
        yield from (path for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts)


def parts(service: str) -> set[str]:
    return {path.stem for path in (ROOT / "services" / service).iterdir() if not path.name.startswith("__pycache__")}


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_the_same_files(service: str) -> None:
    assert set(SAME) <= parts(service)
    assert parts(service) <= {*SAME, *EXTRA[service]}


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_says_what_it_owns_publishes_and_obeys(service: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / "services" / service / "__init__.py").read_text())) or ""
    assert all(word in docstring.lower() for word in ("owns", "publishes", "obeys"))


def test_no_file_outgrows_its_subject() -> None:
    long = {str(path.relative_to(ROOT)): n for path in sources() if (n := len(path.read_text().splitlines())) > LINES}
    assert not long


def test_no_name_says_nothing() -> None:
    named = {word: path for path in sources() for word in (path.stem, *path.relative_to(ROOT).parts[:-1])}
    assert not EMPTY_NAMES & set(named)


def pure_files() -> list[Path]:
    found = [*(ROOT / "shared" / "contracts").glob("*.py")]
    for service in SERVICES:
        for part in ("domain", "saga", "planner"):
            found += [
                *(ROOT / "services" / service).glob(f"{part}.py"),
                *(ROOT / "services" / service / part).rglob("*.py"),
            ]
    return found


def impurities(source: str) -> list[str]:
    """What in this source reads a clock, draws lots or touches the world."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in IMPURE_MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in IMPURE_MODULES:
            found.append(str(node.module))
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
            if name in IMPURE_CALLS:
                found.append(name)
    return found


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_rules_read_no_clock_draw_no_lots_and_touch_nothing(path: Path) -> None:
    assert impurities(path.read_text()) == []


@pytest.mark.parametrize(
    "planted",
    [
        "import time",
        "from random import choice",
        "from datetime import datetime\nd = datetime.now()",
        "import uuid\nx = uuid.uuid4()",
        "open('f')",
        "from datetime import date\nd = date.today()",
    ],
)
def test_the_check_of_purity_bites(planted: str) -> None:
    assert impurities(planted)


def test_decision_records_fit_on_a_page() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert records
    for record in records:
        text = record.read_text()
        assert len(text.splitlines()) <= 60, record.name
        assert all(f"## {part}" in text for part in ("Context", "Decision", "Consequences", "Alternatives")), (
            record.name
        )


def test_readme_links_lead_somewhere() -> None:
    for page in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
            assert (ROOT / target).exists(), f"{page}: {target}"
