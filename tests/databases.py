"""Real database servers for tests: PostgreSQL and MariaDB, each with a password on a free port."""

import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.certificates import hand_over

USER = "beltline"
# It holds what a URL must spell differently.
PASSWORD = f"{secrets.token_hex(8)}@/%"


@dataclass
class Server:
    """A database server of this test session.

    `serve` is the command that is the server, `query` one that reads SQL from stdin, `polite` the
    signal with which it ends without waiting for its clients.
    """

    scheme: str
    port: int
    serve: list[str]
    query: list[str]
    log: Path
    polite: signal.Signals
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def start(self) -> None:
        """Starts it and waits until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.serve, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while self._ask("SELECT 1;").returncode:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends it, by force if it takes long."""
        assert self.process is not None
        self.process.send_signal(self.polite)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def database(self) -> str:
        """Makes an empty database and returns its URL."""
        name = f"beltline{next(self._numbers)}"
        made = self._ask(f"CREATE DATABASE {name};")
        assert made.returncode == 0, made.stderr
        return f"{self.scheme}://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{name}"

    def _ask(self, sql: str) -> subprocess.CompletedProcess[str]:
        password = {"PGPASSWORD": PASSWORD, "MYSQL_PWD": PASSWORD}
        return subprocess.run(
            self.query, input=sql, env=os.environ | password, capture_output=True, text=True
        )


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Starts a server for as long as it is needed."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def postgresql(certificates: Path | None = None) -> Iterator[Server]:
    """Starts PostgreSQL, as Debian's package brings it; skips the test where it is not there.

    With a folder of `certificates` it speaks TLS alone.
    """
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    with owned_folder("postgres") as (folder, become):
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        initdb = [*become, f"{folders[-1]}/initdb", "-D", f"{folder}/data", "-U", USER, "-N"]
        run(
            [*initdb, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8"]
        )
        port = free_port()
        serve = [*become, f"{folders[-1]}/postgres", "-D", f"{folder}/data", "-k", str(folder)]
        listen = ["-c", "listen_addresses=127.0.0.1", "-p", str(port), "-c", "fsync=off"]
        if certificates:
            certificate, key = hand_over(certificates, folder)
            listen += ["-c", "ssl=on", "-c", f"ssl_cert_file={certificate}"]
            listen += ["-c", f"ssl_key_file={key}"]
            access = folder / "data/pg_hba.conf"
            access.write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        query = ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", USER]
        query += ["-q", "-v", "ON_ERROR_STOP=1", "postgres"]
        log = folder / "log"
        server = Server("postgresql", port, [*serve, *listen], query, log, signal.SIGINT)
        with running(server):
            yield server


@contextmanager
def mariadb(certificates: Path | None = None) -> Iterator[Server]:
    """Starts MariaDB, as Debian's package brings it; skips the test where it is not there.

    With a folder of `certificates` it speaks TLS alone.
    """
    program = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        pytest.skip("MariaDB is not installed (Debian: mariadb-server)")
    with owned_folder("mysql") as (folder, become):
        data = f"--datadir={folder}/data"
        run([*become, "mariadb-install-db", "--no-defaults", data, "--skip-name-resolve"])
        first = folder / "first.sql"
        first.write_text(
            f"CREATE USER IF NOT EXISTS {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON *.* TO {USER}@'127.0.0.1';\n"
        )
        first.chmod(0o644)
        port = free_port()
        serve = [*become, program, "--no-defaults", data, f"--socket={folder}/socket"]
        serve += [f"--pid-file={folder}/pid", f"--init-file={first}", "--skip-name-resolve"]
        listen = ["--bind-address=127.0.0.1", f"--port={port}"]
        query = ["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(port), "-u", USER]
        log = folder / "log"
        serve += listen
        if certificates:
            certificate, key = hand_over(certificates, folder)
            serve += [f"--ssl-cert={certificate}", f"--ssl-key={key}"]
            serve += ["--require-secure-transport=ON"]
            query += ["--ssl"]
        server = Server("mysql", port, serve, query, log, signal.SIGTERM)
        with running(server):
            yield server


@contextmanager
def owned_folder(account: str) -> Iterator[tuple[Path, list[str]]]:
    """Makes a folder for a server, and says how to start that: neither of them runs as root."""
    folder = Path(tempfile.mkdtemp(prefix=f"beltline-{account}-"))
    become: list[str] = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam(account)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        become = ["setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups"]
    try:
        yield folder, become
    finally:
        shutil.rmtree(folder)


def run(command: list[str]) -> None:
    """Runs a command that must succeed, from a folder that everybody may enter."""
    done = subprocess.run(command, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def free_port() -> int:
    """Returns a port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
