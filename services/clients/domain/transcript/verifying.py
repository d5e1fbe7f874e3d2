"""Verifies an exported journal of either form, from its lines alone."""

from collections.abc import Iterable, Sequence

from services.clients.domain import notes
from services.clients.domain.transcript import lines
from services.clients.domain.transcript.selection import check_selection
from services.clients.domain.transcript.verdict import Verdict
from services.clients.domain.transcript.whole import WholeCheck


def verify(exported: Iterable[bytes], key: str | None, checkpoints: Sequence[str], *, part: bool = False) -> Verdict:
    """What is wrong with these lines (each with its line end), and where; whatever they are, it does not fail.

    Without a verifier key the one that the file names is trusted, which proves less: who wrote everything anew may have
    signed it anew. `checkpoints` are notes that were kept elsewhere: if one knows of more entries, this file was cut back, unless
    it is known to be a `part` (or an older export).
    """
    numbered = enumerate(exported, 1)
    line = next(numbered, (1, b""))[1]
    first = lines.read_first(line)
    if first is None:
        verdict = Verdict()
        verdict.add("not_a_journal", 1)
        return verdict
    trusted = first.key if key is None else key
    name = notes.name_of(trusted)
    selection = isinstance(first, lines.Selection)
    verdict = Verdict(selection=selection, origin=name or "", key=trusted if name else None, key_given=key is not None)
    if name is None or first.key != trusted or first.origin != name:
        verdict.add("key", 1)
    given = []
    for n, note in enumerate(checkpoints, 1):
        said = notes.verify(note, trusted)
        if said is None or said.origin != name:
            verdict.add("forged", None, given=n)
        else:
            given.append((n, said))
    verdict.largest_given = max((said.size for _, said in given), default=0)
    if isinstance(first, lines.Selection):
        verdict.end = first.size
        check_selection(first, given, verdict, numbered)
    else:
        verdict.start, verdict.end = first.start, first.end
        WholeCheck(first, given, verdict).read(numbered)
        if verdict.largest_given > first.end and not part:
            verdict.add("shorter", None, first.end, verdict.largest_given - 1)
    return verdict
