"""The house is in order: the same files in each service, small files, names that say something, pure rules."""

import ast
import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

from shared.settings import SERVICES

ROOT = Path(__file__).parent.parent.parent
SAME = {"__init__", "manifest", "metadata", "migrations"}
KINDS = {"__init__", "api", "fields", "handlers", "rules", "store", "tables", "functions"}
# What is there besides subjects and kinds, and nowhere else.
EXTRA = {
    "staff/hris": {"messages", "vendors"},
    "offboarding": {"saga", "planner"},
    "offboarding/cases": {"asks", "effects", "runner"},
    "offboarding/certificates": {"certificate"},
    "offboarding/introductions": {"lifecycle"},
    "offboarding/portfolios": {"requests"},
    "offboarding/tasks": {"lifecycle"},
    "offboarding/visits": {"lifecycle"},
}
LINES = {"shared": 350, "services": 410, "bench": 350, "tests": 420}
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"}
# All that rules may import; whatever is not here may read a clock, draw lots or touch the world.
PURE_MODULES = {
    *("base64", "binascii", "collections", "dataclasses", "datetime", "decimal", "enum", "functools", "hashlib"),
    *("heapq", "itertools", "json", "math", "re", "statistics", "typing", "unicodedata"),
    *("cryptography.exceptions", "cryptography.hazmat.primitives.asymmetric.ed25519"),  # for verifying
    *("highspy", "holidays", "numpy", "numpy.typing", "pydantic"),
    *(
        "services",
        "shared.calendar",
        "shared.contracts",
        "shared.errors",
        "shared.http.fields",
        "shared.messages",
        "shared.people.rules",
        "shared.records",
    ),
}
IMPURE_NUMPY = {"random", "load", "loadtxt", "genfromtxt", "fromfile", "memmap", "save", "savez", "savetxt"}
IMPURE_METHODS = {"now", "utcnow", "today", "tofile", "generate"}
IMPURE_FUNCTIONS = {"open", "print", "input", "breakpoint", "eval", "exec", "compile", "__import__", "hash"}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders or ("shared", "services"):
        yield from (path for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts)


def everything() -> Iterator[Path]:
    """All files of the project; hidden folders hold what was set up and made."""
    for top in ROOT.iterdir():
        if not top.name.startswith(".") or top.name in (".ci", ".importlinter", ".gitignore", ".dockerignore"):
            found = top.rglob("*") if top.is_dir() else [top]
            yield from (path for path in found if path.is_file() and "__pycache__" not in path.parts)


def parts(place: str) -> set[str]:
    return {path.stem for path in (ROOT / "services" / place).iterdir() if not path.name.startswith("__pycache__")}


def subjects(service: str) -> list[str]:
    """Folders of a service that hold a subject."""
    folders = [path for path in (ROOT / "services" / service).iterdir() if path.is_dir()]
    none = {*SAME, *EXTRA.get(service, set()), "__pycache__"}
    return sorted(path.name for path in folders if path.name not in none)


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_the_same_files(service: str) -> None:
    assert parts(service) == {*SAME, *EXTRA.get(service, set()), *subjects(service)}
    assert len(subjects(service)) > 5


@pytest.mark.parametrize("service", SERVICES)
def test_each_subject_has_files_of_the_same_kinds(service: str) -> None:
    for subject in subjects(service):
        assert parts(f"{service}/{subject}") <= {*KINDS, *EXTRA.get(f"{service}/{subject}", set())}, subject


@pytest.mark.parametrize("service", SERVICES)
def test_the_manifest_connects_the_doors_and_tables_of_every_subject(service: str) -> None:
    """A table that it does not name would be missing from the schema, a door from the address."""
    manifest = (ROOT / "services" / service / "manifest.py").read_text()
    for subject in subjects(service):
        place = f"services.{service}.{subject}"
        if "tables" in parts(f"{service}/{subject}"):
            assert f"import {place}.tables" in manifest
        if "api" in parts(f"{service}/{subject}"):
            assert re.search(rf"from services\.{service}\.{subject} import api as (\w+_api)\n", manifest), subject


@pytest.mark.parametrize("service", SERVICES)
def test_the_floors_are_those_that_the_import_rules_hold(service: str) -> None:
    """Doors stand in the manifest from the ground up, or say why not; no subject is missing from the rules."""
    rules = ConfigParser()
    rules.read(ROOT / ".importlinter")
    layers = rules[f"importlinter:contract:floors-{service}"]["layers"]
    assert all(re.search(rf"\b{subject}\b", layers) for subject in subjects(service))
    floors = list(reversed(layers.split("\n")))
    manifest = (ROOT / "services" / service / "manifest.py").read_text()
    doors = re.findall(r"^ +(\w+)_api\.router,$", manifest, re.MULTILINE)  # one out of its order says why beside it
    heights = [
        next(height for height, floor in enumerate(floors) if re.search(rf"(^|\.){door}($|\.api\b)", floor))
        for door in doors
    ]
    assert heights == sorted(heights)


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_says_what_it_owns_publishes_and_obeys(service: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / "services" / service / "__init__.py").read_text())) or ""
    assert all(word in docstring.lower() for word in ("owns", "publishes", "obeys"))


def test_no_file_outgrows_its_subject() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for folder, limit in LINES.items()
        for path in sources(folder)
        if (lines := len(path.read_text().splitlines())) > limit
    }
    assert not long


def test_no_name_of_a_file_or_folder_says_nothing() -> None:
    for path in everything():
        words = {word for part in path.relative_to(ROOT).parts for word in re.split(r"[._-]", part.lower())}
        assert not EMPTY_NAMES & words, path


def test_no_name_of_a_class_says_nothing() -> None:
    """Managers are people here, and may be named."""
    for path in sources(*LINES):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                words = {word.lower() for word in re.findall(r"[A-Z][a-z]*", node.name)}
                assert not words & EMPTY_NAMES - {"manager", "managers"}, (path, node.name)


def test_nothing_is_left_to_do_in_the_code() -> None:
    left = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
    for path in everything():
        if path.suffix in (".py", ".toml", ".yml", ".yaml", ".sql", "") and not path.is_relative_to(ROOT / "examples"):
            assert not left.search(path.read_text()), path


def test_no_path_of_a_machine_is_in_any_file() -> None:
    """Neither where this copy lies, unless that could be any container's `/app`, nor anybody's home."""
    here = [re.escape(str(ROOT))] if len(ROOT.parts) > 2 else []
    places = re.compile("|".join([r"/(?:home|Users)/\w", r"\b[A-Z]:\\\\?Users", *here]).encode())
    for path in everything():
        assert not places.search(path.read_bytes()), path


def pure_files() -> list[Path]:
    found = [*(ROOT / "shared" / "contracts").glob("*.py"), ROOT / "shared" / "people" / "rules.py"]
    for service in SERVICES:
        folder = ROOT / "services" / service
        for part in ("saga", "planner", "*/rules"):
            found += [*folder.glob(f"{part}.py"), *folder.glob(f"{part}/**/*.py")]
    return found


def impurities(source: str) -> list[str]:
    """What in this source reads a clock, draws lots or touches the world, called or handed on to be called."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names):
                found += [alias.name for alias in names if not _is_pure(alias.name)]
            case ast.ImportFrom(module=str(module), names=names):
                found += [] if _is_pure(module) else [module]
                found += [alias.name for alias in names if module == "numpy" and alias.name in IMPURE_NUMPY]
            case ast.Attribute(value=ast.Name("np" | "numpy"), attr=name) if name in IMPURE_NUMPY:
                found.append(f"numpy.{name}")
            case ast.Attribute(attr=name) if name in IMPURE_METHODS:
                found.append(name)
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_FUNCTIONS:
                found.append(name)
    return found


def _is_pure(module: str) -> bool:
    within = {"collections", "services", "shared.contracts"}  # with all that is below them
    return module in PURE_MODULES or any(module.startswith(f"{package}.") for package in within)


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_rules_read_no_clock_draw_no_lots_and_touch_nothing(path: Path) -> None:
    assert impurities(path.read_text()) == []


@pytest.mark.parametrize(
    "planted",
    [
        "import time",
        "import sys",
        "import io",
        "import os.path",
        "import uuid",
        "import tempfile",
        "import urllib.request",
        "from urllib.request import urlopen",
        "from random import choice",
        "from shared.ids import uuid7",
        "from shared import settings",
        "import numpy.random",
        "from numpy import random",
        "from numpy.random import default_rng",
        "import numpy as np\nx = np.random.default_rng(7)",
        "import numpy\nx = numpy.load('f')",
        "from datetime import datetime\nd = datetime.now()",
        "from datetime import date\nd = date.today()",
        "from dataclasses import field\nfrom datetime import datetime\nat = field(default_factory=datetime.now)",
        "from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey\nk = Ed25519PrivateKey.generate()",
        "open('f')",
        "__import__('time')",
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
