"""Small exports and maps for the tests of reading."""

from datetime import date
from pathlib import Path
from typing import Any

from services.cli.imports.files import BadRow
from services.cli.imports.maps import read_map
from services.cli.imports.rows import ImportRow, read_mapped_rows

TODAY = date(2026, 3, 2)
DEPARTMENT = '[fields]\nid = "id"\nname = "name"\n'
CLIENT = '[fields]\nid = "id"\nname = "name"\nowner_id = "owner"\n'
ORDER = (
    '[fields]\nid = "id"\nclient_id = { value = "c" }\nflow_id = { value = "f" }\norigin = { value = "own" }\n'
    'value = { column = "value", default = 1 }\n'
)


def read_rows_with_map(
    folder: Path, kind: str, content: str | bytes, text: str, name: str = "x.csv", **files: str | bytes
) -> list[ImportRow | BadRow]:
    """What comes of a file and a map; further files are named by keyword, with `_csv` for `.csv`."""
    for file, inside in {name: content, **{key.replace("_", "."): value for key, value in files.items()}}.items():
        (folder / file).write_bytes(inside if isinstance(inside, bytes) else inside.encode())
    (folder / "map.toml").write_text(text, encoding="utf-8")
    return list(read_mapped_rows(kind, folder / name, read_map(folder / "map.toml"), TODAY))


def get_row_data(found: list[ImportRow | BadRow]) -> list[dict[str, Any]]:
    assert all(isinstance(row, ImportRow) for row in found), found
    return [row.data for row in found if isinstance(row, ImportRow)]


def get_only_row(found: list[ImportRow | BadRow]) -> dict[str, Any]:
    [only] = get_row_data(found)
    return only
