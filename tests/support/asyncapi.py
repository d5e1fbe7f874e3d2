"""The official JSON Schema of AsyncAPI 3.0.0, from the npm package @asyncapi/specs 6.11.1 (Apache-2.0)."""

import json
from pathlib import Path
from typing import Any

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text())
