"""Joined files of an import: read once, and kept as one value for each key."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.cli.imports.fields import parse_decimal
from services.cli.imports.files import BadRow, Cells, ImportFileError, read_rows, require_importable_file
from services.cli.imports.maps import ImportMap, Join, TextTemplate


class RowError(Exception):
    """Why a row cannot be taken; it names columns, never what is in them."""


JoinIndex = Mapping[str, Any]

"""Key of the joined rows to the text picked for it, or to why there is none."""


def render_template(text: TextTemplate, cells: Cells) -> Any:
    """The cell of a column as it is, or a template filled in; None where all its columns are empty."""
    if len(text.parts) == 3 and not text.parts[0] and not text.parts[2]:
        return cells[text.parts[1]]
    found = [cells[name] for name in text.columns]
    if any(isinstance(value, list | dict) for value in found):
        raise RowError(f"column {', '.join(text.columns)}: a list or an object, not a text")
    if not any(found):
        return None
    filled = list(text.parts)
    filled[1::2] = [value or "" for value in found]
    return " ".join("".join(filled).split())


def load_joined_files(joins: Iterable[Join], map_: ImportMap, main: Path) -> tuple[dict[Join, JoinIndex], list[BadRow]]:
    """Read each joined file once, whatever the number of joins with it, and list its broken rows.

    Raises ImportFileError for a file that does not exist or lacks a column.
    """
    by_file: dict[str, list[Join]] = {}
    for join in joins:
        by_file.setdefault(join.file, []).append(join)
    indexes: dict[Join, JoinIndex] = {}
    bad: list[BadRow] = []
    for name, wanting in by_file.items():
        path = _find_file(name, map_, main)
        itself = name not in map_.files and path.resolve() == main.resolve()
        layout = map_.layout_of(path, None if itself else name)
        wanted = {column for join in wanting for text in join.take for column in text.columns}
        wanted |= {join.match.there for join in wanting}
        require_importable_file(path, layout, sorted(wanted))
        gathered: list[dict[str, Any]] = [{} for _ in wanting]
        for line, cells in read_rows(path, layout, sorted(wanted)):
            if isinstance(cells, str):
                bad.append(BadRow(line, f"{name}: {cells}"))
                continue
            for join, index in zip(wanting, gathered, strict=True):
                _add_joined_row(join, index, cells, f"{name} line {line}")
        indexes.update((join, _finish_index(join, index)) for join, index in zip(wanting, gathered, strict=True))
    return indexes, bad


def _find_file(name: str, map_: ImportMap, main: Path) -> Path:
    """A joined file lies beside the imported one, or else beside the map."""
    places = [main.parent / name, map_.folder / name]
    for place in places:
        if place.is_file():
            return place
    raise ImportFileError(f"{name}: the joined file is neither beside {main.name} nor beside the map")


def _add_joined_row(join: Join, index: dict[str, Any], cells: Cells, at: str) -> None:
    key = cells[join.match.there]
    if not isinstance(key, str) or isinstance(index.get(key), RowError):
        return
    try:
        taken = _take_value(join, cells)
    except (ValueError, RowError) as error:
        index[key] = RowError(f"{at}, {error}")
        return
    if taken is None:
        return
    match join.pick:
        case "first":
            index.setdefault(key, taken)
        case "last":
            index[key] = taken
        case "most":
            index.setdefault(key, Counter())[taken] += 1
        case "sum":
            index[key] = index.get(key, Decimal(0)) + taken


def _take_value(join: Join, cells: Cells) -> Any:
    """What one joined row gives: a text, or a number where it is to be summed or multiplied."""
    if len(join.take) == 1 and join.pick != "sum":
        return render_template(join.take[0], cells)
    product = Decimal(1)
    for text in join.take:
        factor = render_template(text, cells)
        if factor is None:
            return None
        try:
            product *= parse_decimal(factor)
        except (ValueError, TypeError):
            raise ValueError(f"column {', '.join(text.columns)}: not a number") from None
    return product


def _finish_index(join: Join, index: dict[str, Any]) -> JoinIndex:
    if join.pick == "most":
        # Among equals the one met first, so that the same files always give the same answer.
        index = {key: max(of, key=of.__getitem__) if isinstance(of, dict) else of for key, of in index.items()}
    return {key: format(value, "f") if isinstance(value, Decimal) else value for key, value in index.items()}


def look_up_joined(index: JoinIndex, key: Any) -> Any:
    """The text picked for a key, None if there is none. Raises RowError if its joined rows cannot be read."""
    found = index.get(key) if isinstance(key, str) else None
    if isinstance(found, RowError):
        raise RowError(*found.args)
    return found
