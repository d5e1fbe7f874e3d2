"""Real processes for tests: started in a group of their own, watched by polling with a deadline, ended by pid.

Output goes to a file for each process, and its end is part of every error, so a failure in CI explains itself.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

POLL = 0.05  # seconds between two looks
_never = threading.Event()


class BrokenProcessError(AssertionError):
    """A process ended, or did not get as far as it should have in time."""


@dataclass
class Process:
    """One command. `start` may be called again after `stop` or `kill`: same command, same log file.

    `env` is the whole environment, not an addition to this one.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    cwd: Path | None = None
    _popen: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Starts the command in a new process group. Raises `BrokenProcessError` when it still runs from before."""
        if self.alive():
            raise BrokenProcessError(f"{self.name} runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._popen = subprocess.Popen(
                list(self.command),
                env=dict(self.env),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The pid of the process last started, which leads its group."""
        if self._popen is None:
            raise BrokenProcessError(f"{self.name} was never started")
        return self._popen.pid

    @property
    def exit_status(self) -> int | None:
        """`None` while it runs or before it was started; negative when a signal ended it."""
        return None if self._popen is None else self._popen.poll()

    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._popen is not None and self._popen.poll() is None

    def signal(self, number: int) -> None:
        """Sends a signal to the whole group; nothing happens when it is gone."""
        if self._popen is not None and self._popen.returncode is None:
            try:
                os.killpg(self._popen.pid, number)
            except ProcessLookupError:
                return

    def kill(self) -> None:
        """kill -9, and waits until the process is gone."""
        self.signal(signal.SIGKILL)
        if self._popen is not None:
            self._popen.wait()

    def pause(self) -> None:
        """Stops it in its tracks (SIGSTOP): it keeps its sockets and locks, and answers nobody."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Wakes what `pause` stopped."""
        self.signal(signal.SIGCONT)

    def stop(self, within: float = 30.0) -> int | None:
        """Asks it to end (SIGTERM), kills it when it has not after `within` seconds; returns the exit status."""
        self.resume()
        self.signal(signal.SIGTERM)
        if self._popen is not None:
            try:
                self._popen.wait(within)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.exit_status

    def wait_for_end(self, within: float) -> int:
        """The exit status, once it has ended by itself; `BrokenProcessError` after `within` seconds."""
        if self._popen is None:
            raise BrokenProcessError(f"{self.name} was never started")
        try:
            return self._popen.wait(within)
        except subprocess.TimeoutExpired:
            raise BrokenProcessError(f"{self.name} still runs after {within:g} s\n{self.tail()}") from None

    def wait_until(self, check: Callable[[], bool], within: float, what: str) -> None:
        """Polls `check` while the process lives; `BrokenProcessError` with the end of the log when either gives up."""

        def alive_and_so() -> bool:
            if not self.alive():
                raise BrokenProcessError(f"{self.name} ended with {self.exit_status} before: {what}\n{self.tail()}")
            return check()

        try:
            wait_until(alive_and_so, within, f"{self.name}: {what}")
        except TimeoutError as error:
            raise BrokenProcessError(f"{error}\n{self.tail()}") from None

    def tail(self, characters: int = 4000) -> str:
        """The last part of what it wrote."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"--- {self.name} ---\n{text[-characters:]}"


def wait_until(check: Callable[[], bool], within: float, what: str) -> None:
    """Polls until `check` is true; `TimeoutError` naming `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within:g} s: {what}")
        _never.wait(POLL)


def is_answering(url: str, timeout: float = 5.0) -> bool:
    """Whether a GET answers 200."""
    try:
        return httpx.get(url, timeout=timeout, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def is_listening(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def find_free_port() -> int:
    """A port that nobody listens on now.

    Below the range from which the system takes ports for outgoing connections: a client that keeps trying the port of a
    killed server may otherwise be given that very port, connect to itself, and keep the server from coming back.
    """
    for port in random.SystemRandom().sample(range(20_000, 32_000), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise BrokenProcessError("no free port on the loopback interface")
