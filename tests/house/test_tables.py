"""Each table is written by its own subject only, and SQL stands in stores alone; both checks are shown to bite."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from shared.settings import SERVICES

ROOT = Path(__file__).parent.parent.parent
WRITE = re.compile(
    r"\b(?:INSERT INTO|DELETE FROM|MERGE INTO|TRUNCATE(?: TABLE)?|LOCK TABLE|ALTER TABLE|COPY)\s+(\w+)"
    r"|\bUPDATE\s+(?!SET\b|OF\b|SKIP\b|NOWAIT\b|NOTHING\b)(\w+)(?:\s+(?:AS\s+)?\w+)?\s+SET\b"
)
STATEMENT = re.compile(
    r"\b(?:SELECT\s.+\sFROM|INSERT INTO|DELETE FROM|UPDATE\s+\w+(?:\s+\w+)?\s+SET)\b|\bSELECT\s+\w+\(", re.DOTALL
)
SQL_KINDS = {"store", "tables"}
PEOPLE_SQL_KINDS = {*SQL_KINDS, "policies"}  # which is the store of the deadlines of policies


def texts(source: str) -> Iterator[str]:
    """Every string of a module but its docstrings; of an f-string its own parts, with `{}` for what is put in."""
    tree = ast.parse(source)
    docstrings = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inside = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings | inside:
            yield node.value


def written_tables(texts: Iterable[str]) -> set[str]:
    return {name for text in texts for match in WRITE.finditer(text) for name in match.groups() if name}


def owners(root: Path, service: str) -> dict[str, str]:
    """By table the folder whose store may write it."""
    places = [root / "shared/outbox", root / "shared/people", *sorted((root / "services" / service).iterdir())]
    found = {}
    for place in places:
        for path in [*place.glob("tables.py"), *place.glob("tables/*.py")]:
            for name in re.findall(r'\bTable\(\s*"(\w+)"', path.read_text()):
                found[name] = place.relative_to(root).as_posix()
    return found


def modules(root: Path, service: str) -> Iterator[Path]:
    """All that may hold SQL of this service's database."""
    for folder in ("shared", f"services/{service}"):
        found = [*(root / folder).rglob("*.py"), *(root / folder).rglob("*.sql")]
        yield from (path for path in found if "migrations" not in path.parts)


def folder_of(root: Path, path: Path) -> str:
    return "/".join(path.relative_to(root).parts[: 3 if path.relative_to(root).parts[0] == "services" else 2])


def trespasses(root: Path, service: str) -> list[str]:
    """Where a table is written by another subject than its own."""
    owner = owners(root, service)
    return [
        f"{path.relative_to(root)} writes {table} of {owner[table]}"
        for path in modules(root, service)
        for table in sorted(written_tables(texts(path.read_text()) if path.suffix == ".py" else [path.read_text()]))
        if table in owner and folder_of(root, path) != owner[table] and not _is_of_the_chassis(root, path, owner[table])
    ]


def _is_of_the_chassis(root: Path, path: Path, owner: str) -> bool:
    """Whether the chassis writes a table of its own that has the name of one of this service, which has its own database."""
    return folder_of(root, path).startswith("shared/") and owner.startswith("services/")


def kind_of(service: Path, path: Path) -> str:
    parts = path.relative_to(service).with_suffix("").parts
    return parts[1] if len(parts) > 1 else parts[0]


def misplaced(root: Path, place: str) -> list[str]:
    """Where SQL stands in another kind of module than a store or tables: of a service, of `people`, of the command line."""
    folder, kinds = root / "services" / place, SQL_KINDS
    if place == "people":
        folder, kinds = root / "shared/people", PEOPLE_SQL_KINDS
    return [
        f"{path.relative_to(root)}: {text.strip()[:60]}"
        for path in folder.rglob("*.py")
        if "migrations" not in path.parts and kind_of(folder, path) not in kinds
        for text in texts(path.read_text())
        if STATEMENT.search(text)
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_each_table_is_written_by_its_own_subject_only(service: str) -> None:
    assert owners(ROOT, service)
    assert trespasses(ROOT, service) == []


@pytest.mark.parametrize("place", [*SERVICES, "people", "cli"])
def test_sql_stands_in_stores_only(place: str) -> None:
    assert misplaced(ROOT, place) == []


@pytest.mark.parametrize(
    "planted",
    [
        'SQL = "UPDATE people SET frozen = false"',
        'SQL = "UPDATE people p SET frozen = false FROM grounds"',
        'SQL = f"DELETE FROM people WHERE {1}"',
        'SQL = "WITH x AS (INSERT INTO people (employee_id) VALUES (1)) SELECT 1"',
        'SQL = "MERGE INTO people USING x ON true"',
    ],
)
def test_a_table_written_elsewhere_is_found(tmp_path: Path, planted: str) -> None:
    (tmp_path / "shared/people").mkdir(parents=True)
    (tmp_path / "shared/people/tables.py").write_text('Table("people", metadata)')
    subject = tmp_path / "services/orders/planted"
    subject.mkdir(parents=True)
    (subject / "store.py").write_text(planted)
    assert trespasses(tmp_path, "orders") == ["services/orders/planted/store.py writes people of shared/people"]


@pytest.mark.parametrize("kind", ["handlers", "api", "rules"])
def test_sql_in_another_kind_of_module_is_found(tmp_path: Path, kind: str) -> None:
    subject = tmp_path / "services/orders/planted"
    subject.mkdir(parents=True)
    (subject / f"{kind}.py").write_text('"""Says SELECT one FROM two."""\nSQL = "SELECT 1\\nFROM people"')
    (subject / "store.py").write_text('SQL = "SELECT 1 FROM people"')
    assert len(misplaced(tmp_path, "orders")) == 1


@pytest.mark.parametrize("path", ["shared/people/handlers.py", "services/cli/system.py"])
def test_sql_of_people_and_of_the_command_line_is_found_too(tmp_path: Path, path: str) -> None:
    module = tmp_path / path
    module.parent.mkdir(parents=True)
    module.write_text('SQL = "SELECT pg_advisory_unlock($1)"\nWORDS = "SELECT one"')
    (module.parent / "store.py").write_text('SQL = "SELECT pg_advisory_unlock($1)"')
    assert misplaced(tmp_path, module.parent.name) == [f"{path}: SELECT pg_advisory_unlock($1)"]


def test_a_lock_on_rows_is_no_write() -> None:
    assert written_tables(["SELECT 1 FROM people FOR UPDATE OF people SKIP LOCKED"]) == set()
    assert written_tables(["INSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 1"]) == {"a"}
