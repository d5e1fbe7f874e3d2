"""Verifies an exported journal of either form, from its lines alone."""

from collections.abc import Iterable, Sequence

from services.clients.journal.rules import hash_leaf, verify_inclusion
from services.clients.proofs.rules import export_format
from services.clients.proofs.rules.checkpoints import Checkpoint, get_key_name, verify_checkpoint
from services.clients.proofs.rules.range_verification import RangeVerifier
from services.clients.proofs.rules.verdict import Verdict


def verify_export(
    exported: Iterable[bytes], key: str | None, checkpoints: Sequence[str], *, part: bool = False
) -> Verdict:
    """What is wrong with these lines (each with its line end), and where; whatever they are, it does not fail.

    Without a verifier key the one that the file names is trusted, which proves less: who wrote everything anew may have
    signed it anew. `checkpoints` are notes that were kept elsewhere: if one knows of more entries, this file was cut back, unless
    it is known to be a `part` (or an older export).
    """
    numbered = enumerate(exported, 1)
    line = next(numbered, (1, b""))[1]
    first = export_format.parse_header(line)
    if first is None:
        verdict = Verdict()
        verdict.add("not_a_journal", 1)
        return verdict
    trusted = first.key if key is None else key
    name = get_key_name(trusted)
    selection = isinstance(first, export_format.SelectionHeader)
    verdict = Verdict(selection=selection, origin=name or "", key=trusted if name else None, key_given=key is not None)
    if name is None or first.key != trusted or first.origin != name:
        verdict.add("key", 1)
    given = []
    for n, note in enumerate(checkpoints, 1):
        checkpoint = verify_checkpoint(note, trusted)
        if checkpoint is None or checkpoint.origin != name:
            verdict.add("forged", None, given=n)
        else:
            given.append((n, checkpoint))
    verdict.largest_given = max((checkpoint.size for _, checkpoint in given), default=0)
    if isinstance(first, export_format.SelectionHeader):
        verdict.end = first.size
        verify_selection(first, given, verdict, numbered)
    else:
        verdict.start, verdict.end = first.start, first.end
        RangeVerifier(first, given, verdict).read(numbered)
        if verdict.largest_given > first.end and not part:
            verdict.add("shorter", None, first.end, verdict.largest_given - 1)
    return verdict


def verify_selection(
    first: export_format.SelectionHeader,
    given: Sequence[tuple[int, Checkpoint]],
    verdict: Verdict,
    numbered: Iterable[tuple[int, bytes]],
) -> None:
    """The given checkpoints of the same size are compared; for others a proof would be needed that is not here."""
    checkpoint = verify_checkpoint(first.checkpoint, verdict.key or "")
    if checkpoint is None or (checkpoint.origin, checkpoint.size) != (verdict.origin, first.size):
        verdict.add("forged", 1)
    else:
        verdict.checkpoints += 1
    root = checkpoint.root if checkpoint else b""
    for n, other in given:
        if other.size != first.size:
            verdict.given_outside += 1
        elif other.root != root:
            verdict.add("contradicts", None, 0, max(first.size - 1, 0), n)
        else:
            verdict.given_agree += 1
    before, number, ended = -1, 1, False
    for number, line in numbered:
        if ended:
            verdict.add("after_the_end", number)
        elif selected := export_format.parse_selected_entry(line):
            index, data, proof = selected
            verdict.entries += 1
            if not verify_inclusion(hash_leaf(data), index, first.size, proof, root):
                verdict.add("unproved", number, index)
            if index <= before:
                verdict.add("misplaced", number, index)
            before = index
        elif (count := export_format.parse_selection_count(line)) is not None:
            ended = True
            if count != verdict.entries:
                verdict.add("recounted", number)
        else:
            verdict.add("garbage", number)
    if not ended:
        verdict.add("cut_off", number)
