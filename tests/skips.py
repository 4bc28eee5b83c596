"""Which tests may be skipped, and why; any other skip fails the run.

A test that silently stops running is worse than one that fails. Where all servers that the tests
want are installed (`.ci/run` says so by BELTLINE_SKIPS=none), no test may be skipped for the lack
of one.
"""

import os

import pytest

ALL_INSTALLED = "BELTLINE_SKIPS"

# Part of a skip's reason: why nothing can be tested there on any machine.
ANYWHERE = {
    "a file has no password": "one of the databases is SQLite",
}
# Part of a skip's reason: what a bare machine may lack.
BARE = {
    "Docker is not installed": "docker.io",
    "no Docker engine": "docker.io and root",
    "no Docker client": "docker.io with BuildKit",
    "a base image needs debootstrap": "debootstrap and root",
    "debootstrap made no base image": "Debian's packages",
    "no registry of images is installed": "docker-registry",
    "PostgreSQL is not installed": "postgresql",
    "MariaDB is not installed": "mariadb-server",
    "SeaweedFS is not installed": "the development requirements",
    "no emulator of Google Cloud Storage": "the development requirements",
    "chromium is not installed": "chromium",
    "java is not installed": "default-jdk-headless",
    "go is not installed": "golang-go",
    "Prism is not installed": "make test-beam",
    "curl is not installed": "curl",
    "nginx is not installed": "nginx-light",
    ".venv-airflow": "make setup-airflow",
    ".venv-mlflow": "make setup-mlflow",
    ".venv-site": "make setup-site",
    "there is no systemd-analyze": "systemd",
    "actionlint": "Go and its module proxy",
    "ShellCheck is not installed": "the development requirements",
    "check-jsonschema is not installed": "the development requirements",
    "one core": "a second core",
    "only root": "root",
    "no control group for memory": "root and a memory controller",
    "the limit is": "Linux with pages of 4 KiB",
}


class Skips:
    """Collects the skips of a session and judges them at its end."""

    def __init__(self) -> None:
        self.unexpected: list[str] = []
        allowed = {**ANYWHERE}
        if os.environ.get(ALL_INSTALLED) != "none":
            allowed |= BARE
        self._allowed = allowed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._look_at(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._look_at(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.unexpected and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.unexpected:
            terminalreporter.write_line(f"UNEXPECTED SKIP {line}", red=True)
        if self.unexpected:
            terminalreporter.write_line(
                "install what is missing, or list the reason in tests/skips.py", red=True
            )

    def _look_at(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(part in reason for part in self._allowed):
            self.unexpected.append(f"{report.nodeid}: {reason}")
