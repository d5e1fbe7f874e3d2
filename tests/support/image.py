"""deploy/Dockerfile built without a Docker engine: its commands run, its files copied, below a folder.

Changed: paths in the image become paths below that folder; Python is the one that runs this; commands of the base
system are left out; and packages are not downloaded again. Those that the lock names, and no others, are linked from
this environment, and pip only checks that nothing is missing. So it works without a network.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import shutil
import string
import subprocess
import sys
import sysconfig
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.processes import BrokenProcessError

REPOSITORY = Path(__file__).parents[2]
DOCKERFILE = REPOSITORY / "deploy" / "Dockerfile"
RUN = 120.0  # seconds for one command; the slowest makes a virtual environment

_PATH = re.compile(r"(?<![\w./])/(?=\w)")


@dataclass
class Image:
    """What the last stage holds, below `root`; `workdir` and `env` are what a container of it starts with."""

    root: Path
    workdir: Path
    env: dict[str, str] = field(default_factory=dict)

    def here(self, text: str) -> str:
        """A text with the image's absolute paths as they are here."""
        return _PATH.sub(f"{self.root}/", text)

    def program(self, name: str) -> str:
        """The program that a container would run by this name."""
        found = shutil.which(name, path=self.env["PATH"])
        if found is None or not found.startswith(str(self.root)):
            raise BrokenProcessError(f"the image has no program {name}")
        return found


def read_instructions() -> list[tuple[str, str]]:
    """The Dockerfile as pairs: FROM, COPY and so on, and what follows."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def list_pip_commands() -> list[str]:
    """Every command that calls pip."""
    return [
        one for word, rest in read_instructions() if word == "RUN" for one in _split_commands(rest) if "pip " in one
    ]


def read_lock(lock: Path) -> dict[str, str]:
    """Every package in a lock, with its whole entry."""
    entries = re.findall(r"^([\w.-]+)((?:[^\n]*\\\n)*[^\n]*)", lock.read_text(), re.MULTILINE)
    return {_normalize_name(name): rest for name, rest in entries}


def build_image(folder: Path) -> Image:
    """Builds the image in an empty folder. Raises `BrokenProcessError` where a command fails."""
    image, earlier = _start_stage(folder), folder.with_name(f"{folder.name}-build")
    for word, rest in read_instructions():
        if word == "FROM" and any(image.root.iterdir()):
            image.root.rename(earlier)
            image = _start_stage(folder)
        elif word == "WORKDIR":
            image.workdir = Path(image.here(rest))
            image.workdir.mkdir(parents=True, exist_ok=True)
        elif word == "ENV":
            for name, _, value in (part.partition("=") for part in shlex.split(rest)):
                image.env[name] = string.Template(image.here(value)).substitute(image.env)
        elif word == "COPY":
            _copy(image, earlier, shlex.split(rest))
        elif word == "RUN":
            for command in _split_commands(rest):
                _run_command(image, command)
    shutil.rmtree(earlier)
    return image


def _start_stage(folder: Path) -> Image:
    folder.mkdir(exist_ok=True)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return Image(folder, folder, {"PATH": path})


def _split_commands(run: str) -> list[str]:
    return [command.strip() for command in run.split("&&")]


def _copy(image: Image, earlier: Path, arguments: list[str]) -> None:
    *sources, target = arguments
    if sources[0].startswith("--from="):
        # It keeps its path: a virtual environment works nowhere else.
        assert sources[1:] == [target], f"{sources[1:]} becomes {target}"
        (image.root / target[1:]).parent.mkdir(parents=True, exist_ok=True)
        (earlier / target[1:]).rename(image.root / target[1:])
        return
    for source in sources:
        admitted, ignored = _read_dockerignore()
        if source not in admitted:
            raise BrokenProcessError(f"{source} is not in the context that Dockerfile.dockerignore leaves")
        path = image.workdir / target
        if (REPOSITORY / source).is_dir():
            shutil.copytree(REPOSITORY / source, path, ignore=shutil.ignore_patterns(*ignored))
        else:
            shutil.copy(REPOSITORY / source, path / source if target.endswith("/") else path)


def _read_dockerignore() -> tuple[set[str], set[str]]:
    """Names that Dockerfile.dockerignore lets in, and those that it leaves out at any depth."""
    nothing, *lines = re.findall(
        r"^[^#\s].*$", DOCKERFILE.with_name("Dockerfile.dockerignore").read_text(), re.MULTILINE
    )
    assert nothing == "*", "the context is not named file by file"
    return {line[1:] for line in lines if line[0] == "!"}, {
        line.removeprefix("**/") for line in lines if line[0] != "!"
    }


def _run_command(image: Image, command: str) -> None:
    if command.split()[0] not in ("python", "pip"):
        return
    if "--require-hashes" in command:
        _link_packages(image, Path(image.workdir / command.split()[-1]))
        command += " --dry-run --no-index"
    done = subprocess.run(
        ["sh", "-c", image.here(command)],
        cwd=image.workdir,
        env={**image.env, "HOME": str(image.root)},
        capture_output=True,
        text=True,
        timeout=RUN,
    )
    if done.returncode:
        raise BrokenProcessError(f"{command} ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _link_packages(image: Image, lock: Path) -> None:
    """Puts the packages of a lock into the image's environment, as links to those of this one."""
    here = Path(sysconfig.get_path("purelib"))
    [there] = image.root.glob("opt/*/lib/python*/site-packages")
    for top in _list_top_level_files(here, read_lock(lock)):
        if not (there / top).exists():
            (there / top).symlink_to(here / top)


def _list_top_level_files(site: Path, names: Collection[str]) -> Iterator[str]:
    for package in importlib.metadata.distributions(path=[str(site)]):
        if _normalize_name(package.name) in names:
            yield from {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}


def _normalize_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
