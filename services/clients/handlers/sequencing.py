"""The one sequencer of the journal: at most a second behind."""

from services.clients.store import sequencing
from shared.service import Runtime


async def sequence(runtime: Runtime) -> bool:
    return await runtime.transact(sequencing.append) == sequencing.BATCH
