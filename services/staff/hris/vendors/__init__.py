"""One adapter per vendor: it verifies who sent a message and reads it as an `HrisMessage`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.staff.hris.messages import HrisMessage, UnusableMessage
from services.staff.hris.vendors import generic


@dataclass(frozen=True)
class Vendor:
    """`is_signed` takes the secrets of the source, the headers and the body; `parse_message` the body and when it came."""

    make_secret: Callable[[], str]
    is_signed: Callable[[Sequence[str], Mapping[str, str], bytes], bool]
    parse_message: Callable[[bytes, datetime], HrisMessage | UnusableMessage]


# By the kind of a source.
VENDORS: Mapping[str, Vendor] = {
    "generic": Vendor(generic.make_secret, generic.is_signed, generic.parse_message_or_unusable),
}
