"""`make soak`: all that is long, part by part, two at a time. `make soak MINUTES=15` runs what fits, another lot with each commit.

Each part is a run of pytest of its own, whose output stays in `.cache/soak`. The parts of hard days run every folder on
each of them, a share of its tests where the folder is large: which share changes with the commit.
"""

import argparse
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.days import HARD

ROOT = Path(__file__).parents[1]
LOGS = ROOT / ".cache" / "soak"
IN_PROCESS = "not processes and not kafka"  # others keep the clock of the machine
TAIL = 40  # lines of what a failed part wrote


@dataclass(frozen=True)
class Part:
    """One run of pytest. `seconds` is what it takes about, on one core."""

    name: str
    arguments: Sequence[str]
    seconds: int


# Folder: into how many shares its tests are cut, and how long one share takes.
FOLDERS: dict[str, tuple[int, int]] = {
    "rules tests/saga": (1, 70),
    "services/staff": (2, 35),
    "services/orders": (1, 40),
    "services/clients": (5, 75),
    "services/offboarding": (4, 55),
    "stories": (6, 60),
    "house": (4, 55),
    "cli": (2, 45),
    "conformance": (3, 25),
}
LONG = (
    Part("long rules", ("tests/rules", "tests/saga", "--long"), 350),
    Part("long services", ("tests/services", "--long", "-m", "long"), 170),
    Part("long stories", ("tests/stories", "--long", "-m", "long"), 260),
    Part("long house", ("tests/house", "--long", "-m", "long"), 240),
    Part("long requests", ("tests/house/test_schemathesis.py", "--long"), 400),
)


def list_parts(turn: int) -> list[Part]:
    """All of them; `turn` chooses the shares. Those of one day stand apart, so that a few in a row are of many kinds."""
    days = [
        Part(f"{day} {folder.split('/')[-1]}", _arguments_on(day, folder, number + turn, shares), seconds)
        for number, day in enumerate(HARD)
        for folder, (shares, seconds) in FOLDERS.items()
    ]
    gap = len(days) // len(LONG)
    mixed = [days[n::gap] for n in range(gap)]
    rest: list[list[Part]] = [*([one] for one in LONG), *([] for _ in range(gap - len(LONG)))]
    return [part for some in zip(mixed, rest, strict=True) for part in itertools.chain(*some)]


def _arguments_on(day: str, folder: str, number: int, shares: int) -> tuple[str, ...]:
    places = [place if place.startswith("tests/") else f"tests/{place}" for place in folder.split()]
    share = ("--share", f"{number % shares + 1}/{shares}") if shares > 1 else ()
    return (*places, "--day", day, "-m", IN_PROCESS, *share)


def count_commits(commit: str) -> int:
    """A number that goes up by one with each commit; where history is cut off, one that changes."""

    def git(*asked: str) -> str:
        return subprocess.run(["git", *asked], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if git("rev-parse", "--is-shallow-repository") == "true":
            return int(git("rev-parse", commit)[:8], 16)
        return int(git("rev-list", "--count", commit))
    except (OSError, subprocess.CalledProcessError):
        return 0


def choose_parts(every: Sequence[Part], turn: int, seconds: float) -> list[Part]:
    """The parts of this turn: lots in a row hold every part, and each takes about so long."""
    lots: list[list[Part]] = [[]]
    for part in every:
        if lots[-1] and sum(one.seconds for one in lots[-1]) + part.seconds > seconds:
            lots.append([])
        lots[-1].append(part)
    return lots[turn % len(lots)]


@dataclass
class Running:
    part: Part
    process: subprocess.Popen[bytes]
    begun: float

    @property
    def log(self) -> Path:
        return LOGS / f"{self.part.name.replace(' ', '-')}.log"

    @classmethod
    def start(cls, part: Part) -> "Running":
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", *part.arguments]
        running = cls(part, None, time.monotonic())  # type: ignore[arg-type]
        with running.log.open("wb") as out:
            running.process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return running

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)  # so that pytest ends what it has started
            self.process.wait()

    def outcome(self) -> str:
        """The last line of pytest: what passed and what failed."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if " in " in line]
        said = lines[-1].split(" in ")[0].strip("= ") if lines else ""
        return said if self.process.returncode == 0 else f"FAILED: {said or f'exit {self.process.returncode}'}"


def run_parts(chosen: Sequence[Part], workers: int) -> list[tuple[Part, float, str, bool]]:
    """Runs them and says how each went: seconds, outcome, whether it was good."""
    waiting, running, done = list(chosen), list[Running](), list[tuple[Part, float, str, bool]]()
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(Running.start(waiting.pop(0)))
            time.sleep(0.2)
            for one in [one for one in running if one.process.poll() is not None]:
                running.remove(one)
                took, good = time.monotonic() - one.begun, one.process.returncode == 0
                done.append((one.part, took, one.outcome(), good))
                print(f"[{len(done):>2}/{len(chosen)}] {one.part.name:<24} {took:>5.0f} s  {done[-1][2]}", flush=True)
                if not good:
                    print("\n".join(one.log.read_text(errors="replace").splitlines()[-TAIL:]), flush=True)
    finally:
        for one in running:
            one.end()
    return done


def describe_outcomes(done: Sequence[tuple[Part, float, str, bool]], took: float) -> Iterator[str]:
    yield f"{'part':<26}{'seconds':>8}  outcome"
    for part, seconds, outcome, _ in sorted(done, key=lambda one: one[0].name):
        yield f"{part.name:<26}{seconds:>8.0f}  {outcome}"
    bad = [part.name for part, _, _, good in done if not good]
    yield f"{len(done)} parts in {took / 60:.1f} minutes, {len(bad)} failed{': ' + ', '.join(bad) if bad else ''}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description="Runs all that is long.")
    parser.add_argument(
        "--minutes", type=float, help="only a lot that takes about so long, another one with each commit"
    )
    parser.add_argument("--only", help="only parts in whose name this stands")
    parser.add_argument("--turn", type=int, help="the lot and the shares of this turn, not of the commit")
    parser.add_argument("--workers", type=int, default=2, help="how many parts run at once")
    parser.add_argument("--list", action="store_true", help="say which parts would run")
    given = parser.parse_args()
    turn = given.turn if given.turn is not None else count_commits("HEAD")
    chosen = [part for part in list_parts(turn) if not given.only or given.only in part.name]
    if given.minutes:
        chosen = choose_parts(chosen, turn, given.minutes * 60 * given.workers)
    if given.list:
        print("\n".join(f"{part.name:<26}{part.seconds:>6} s  pytest {' '.join(part.arguments)}" for part in chosen))
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    done = run_parts(chosen, given.workers)
    print("\n".join(("", *describe_outcomes(done, time.monotonic() - begun))))
    return 0 if done and all(good for *_, good in done) else 1


if __name__ == "__main__":
    sys.exit(main())
