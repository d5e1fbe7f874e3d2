"""One broker: how it is had, started, killed, paused and started again."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.processes import BrokenProcessError, Process, find_free_port, wait_until

REPOSITORY = Path(__file__).parents[3]
POM = Path(__file__).with_name("pom.xml")
IMAGE = "apache/kafka:4.1.1"
START = 90.0  # seconds; a first start takes 6, one after a kill -9 takes 13, a laden machine more

# KRaft on one node. Four offset partitions instead of 50 make the first group quick; without the zero each new group
# waits three seconds for members that never come.
SETTINGS: Mapping[str, str] = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
}


@functools.cache
def available(private: bool = False) -> str | None:
    """How a broker is to be had: `external`, `docker`, `java`, or `None`. A private one is never external."""
    if not private and os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return "external"
    if _prints(["docker", "version", "--format", "{{.Server.Version}}"]):
        return "docker"
    if _java_version() >= 17 and (_libraries().exists() or shutil.which("mvn")):
        return "java"
    return None


@dataclass
class Broker:
    """A broker at `bootstrap` (`host:port`). `start` returns when it answers; its log outlives `kill` and `stop`.

    `settings` are server properties over the defaults, for which listeners, quorum and log folder are filled in here.
    It sends its clients to `advertised_port`, where a proxy of the test may listen, else to its own.
    """

    how: str
    folder: Path
    port: int = field(default_factory=find_free_port)
    controller_port: int = field(default_factory=find_free_port)
    settings: Mapping[str, str] = field(default_factory=dict)
    advertised_port: int | None = None
    process: Process | None = field(default=None, repr=False)
    container: str | None = field(default=None, repr=False)

    @property
    def bootstrap(self) -> str:
        """What clients connect to."""
        return os.environ["KAFKA_BOOTSTRAP_SERVERS"] if self.how == "external" else f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, again on the same port with the same log; `BrokenProcessError` when it does not come up."""
        if self.how == "docker":
            self._start_container()
        elif self.how == "java":
            self._start_process()
        wait_for_broker(self.bootstrap, START, self.process)

    def stop(self) -> None:
        """Ends it in good order."""
        if self.container:
            run(["docker", "stop", "--time", "30", self.container])
        elif self.process:
            self.process.stop()

    def kill(self) -> None:
        """kill -9."""
        if self.container:
            run(["docker", "kill", "--signal", "KILL", self.container])
        elif self.process:
            self.process.kill()
        else:
            raise BrokenProcessError("only a broker that the tests started may be killed")

    def pause(self) -> None:
        """Keeps its sockets and answers nobody (SIGSTOP)."""
        if self.container:
            run(["docker", "pause", self.container])
        elif self.process:
            self.process.pause()

    def resume(self) -> None:
        """Wakes it after `pause`."""
        if self.container:
            run(["docker", "unpause", self.container])
        elif self.process:
            self.process.resume()

    def restart(self) -> None:
        """Ends it in good order if it still runs, and starts it with the same log folder and port."""
        self.stop()
        self.start()

    def remove(self) -> None:
        """Ends it at once and deletes what it kept."""
        if self.container:
            run(["docker", "rm", "--force", "--volumes", self.container])
            self.container = None
        elif self.process:
            self.process.resume()
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _properties(self, host: str) -> dict[str, str]:
        return {
            **SETTINGS,
            **self.settings,
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "listeners": f"PLAINTEXT://{host}:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.advertised_port or self.port}",
        }

    def _start_process(self) -> None:
        properties = self.folder / "server.properties"
        classpath = ["java", "-cp", f"{libraries()}/*"]
        if not properties.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            lines = {**self._properties("127.0.0.1"), "log.dirs": str(self.folder / "log")}
            properties.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "x")
            # A heap and collector as small as the broker's: formatting must not take half the machine's memory.
            small = [*classpath[:1], "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *classpath[1:]]
            run([*small, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)])
        heap = ["-Xms384m", "-Xmx384m", "-XX:+UseSerialGC"]
        command = [*classpath[:1], *heap, *classpath[1:], "kafka.Kafka", str(properties)]
        env = {**os.environ, "LC_ALL": "C.UTF-8"}
        self.process = self.process or Process("kafka", command, env, self.folder / "kafka.out", self.folder)
        self.process.start()

    def _start_container(self) -> None:
        if self.container:
            run(["docker", "start", self.container])
            return
        environment = {"KAFKA_" + key.upper().replace(".", "_"): value for key, value in self._properties("").items()}
        flags = [part for key, value in environment.items() for part in ("--env", f"{key}={value}")]
        publish = f"127.0.0.1:{self.port}:{self.port}"
        self.container = run(["docker", "run", "--detach", "--publish", publish, *flags, IMAGE]).strip()


def wait_for_broker(bootstrap: str, within: float, process: Process | None = None) -> None:
    """Returns when the broker answers; `BrokenProcessError` after `within` seconds or when its process ended."""
    host, _, port = bootstrap.split(",")[0].rpartition(":")
    if process:
        process.wait_until(lambda: answers_kafka(host, int(port)), within, "answers")
    else:
        wait_until(lambda: answers_kafka(host, int(port)), within, f"Kafka at {bootstrap} answers")


def answers_kafka(host: str, port: int) -> bool:
    """Whether a broker there answers ApiVersions (version 0): an open port alone may be of one that still starts."""
    correlation = 7
    request = struct.pack(">hhih", 18, 0, correlation, -1)
    try:
        with socket.create_connection((host, port), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            head = connection.recv(10, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(head) == 10 and struct.unpack(">iih", head)[1:] == (correlation, 0)


@contextlib.contextmanager
def private_broker(
    settings: Mapping[str, str] | None = None,
    port: int | None = None,
    controller_port: int | None = None,
    advertised_port: int | None = None,
) -> Iterator[Broker]:
    """A started broker of one's own, removed at the end; mark its tests `@pytest.mark.kafka(private=True)`.

    `settings` are as in `Broker`; ports that are not given are chosen.
    """
    how = available(private=True)
    if how is None:
        raise BrokenProcessError("a broker that tests may kill needs Docker, or Java 17 and Maven")
    folder = Path(tempfile.mkdtemp(prefix="holdfast-kafka-"))
    broker = Broker(
        how, folder, port or find_free_port(), controller_port or find_free_port(), settings or {}, advertised_port
    )
    try:
        broker.start()
        yield broker
    finally:
        broker.remove()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time for what is done to this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _libraries() -> Path:
    # Named after the list, so that another version in it makes another folder.
    return REPOSITORY / ".cache" / "kafka" / f"libs-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"


def libraries() -> Path:
    """The folder with the broker's jars, fetched by Maven when it is not there yet (43 MB)."""
    folder = _libraries()
    with locked(folder.parent):
        if not folder.exists():
            partial = folder.with_name(folder.name + ".partial")
            goal = ["dependency:copy-dependencies", f"-DoutputDirectory={partial}", "-DincludeScope=runtime"]
            run(["mvn", "-q", "-B", "-f", str(POM), *goal])
            partial.rename(folder)
    return folder


def _java_version() -> int:
    text = _prints(["java", "-version"]) or ""
    found = re.search(r'version "(\d+)', text)
    return int(found[1]) if found else 0


def _prints(command: list[str]) -> str | None:
    """What a command prints, or `None` when it is missing, fails or takes longer than a look-up may."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout + done.stderr


def run(command: list[str]) -> str:
    """What a command prints; `BrokenProcessError` when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise BrokenProcessError(
            f"{command[0]} ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return done.stdout
