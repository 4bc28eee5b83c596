"""ImageLabels of images, read from a real registry with the logins that `docker login` leaves."""

import json
import secrets
import socket
import tarfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from beltline.runners.checks import registry as module
from beltline.runners.checks.finding import CheckSkipped, Problem
from beltline.runners.checks.registry import ImageLabels, ImageName, Registry, labels
from tests import image_registry, registry_tokens
from tests.image_registry import PASSWORD, USER, docker_config

OURS = {"io.beltline.lock": "10c4", "io.beltline.source": "50a4"}
STORE = """\
#!/bin/sh
# As docker-credential-… of Docker's own: the registry's name comes by stdin.
[ "$1" = get ] && [ "$(cat)" = "{host}" ] || exit 1
echo '{{"ServerURL": "{host}", "Username": "{user}", "Secret": "{password}"}}'
"""


@pytest.fixture(scope="module")
def registry():
    with image_registry.registry() as found:
        found.push("team/beltline", OURS)
        yield found


@pytest.fixture(autouse=True)
def nobody(tmp_path, monkeypatch):
    """No engine, no login and no proxy is to be found here but those of a test."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def guarded(registry):
    """The host of a registry that wants a name and a password."""
    with registry.guarded(htpasswd=registry.passwords()) as host:
        yield host


@pytest.fixture
def tokens(registry):
    with registry_tokens.tokens(registry.folder) as found:
        yield found


def log_in(monkeypatch, folder, host, password=PASSWORD):
    monkeypatch.setenv("DOCKER_CONFIG", str(docker_config(folder / "docker", host, password)))


def refusal(image, kind=CheckSkipped):
    """Why an image's labels can't be had; no password is in it."""
    with pytest.raises(kind) as error:
        labels(image)
    assert PASSWORD not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("beltline", ("", "beltline", "latest")),
        ("me/beltline:0.1.0", ("", "me/beltline", "0.1.0")),
        ("docker.io/me/beltline:1", ("", "me/beltline", "1")),
        ("registry.example/a/b_c:1", ("registry.example", "a/b_c", "1")),
        ("localhost/beltline", ("localhost", "beltline", "latest")),
        ("registry:5000/beltline", ("registry:5000", "beltline", "latest")),
        ("registry:5000/beltline:1@sha256:ab", ("registry:5000", "beltline", "sha256:ab")),
    ],
)
def test_a_name_in_its_parts(image, parts):
    name = ImageName.read(image)
    assert (name.host, name.repository, name.reference) == parts


@pytest.mark.parametrize(
    "image", ["https://registry.example/beltline:1", "registry.example/", "Beltline", "a b", ":1"]
)
def test_what_is_no_name_is_told(image):
    with pytest.raises(Problem) as error:
        labels(image)
    assert str(error.value) == f"invalid image name '{image}'"
    assert error.value.fix == "fix `kubeflow.image`"


def test_by_tag_and_by_digest(registry):
    digest = registry.push("other", {"a": "1"}, tag="new")
    for reference in (":new", f"@{digest}", f":old@{digest}"):
        found = labels(f"{registry.host}/other{reference}")
        assert found == ImageLabels({"a": "1"}, f"at {registry.host}")


def test_of_several_platforms_it_is_the_one_of_the_pods(registry):
    registry.push_index("several", {"arm64": {"a": "arm"}, "amd64": OURS})
    assert labels(f"{registry.host}/several:1").values == OURS


def test_only_for_other_machines(registry):
    registry.push_index("foreign", {"arm64": OURS, "ppc64le": OURS})
    assert "has no foreign for Linux on x86-64" in refusal(f"{registry.host}/foreign:1", Problem)


@pytest.mark.parametrize("given", [{}, None])
def test_without_labels_there_are_none(registry, given):
    registry.push("bare", given)
    assert labels(f"{registry.host}/bare:1").values == {}


@pytest.mark.parametrize("image", ["team/missing:1", "team/beltline:2"])
def test_no_such_image(registry, image):
    with pytest.raises(Problem) as error:
        labels(f"{registry.host}/{image}")
    repository, _, tag = image.partition(":")
    assert str(error.value) == f"{repository} ({tag}) not found at {registry.host}"
    assert "`make image`" in error.value.fix


def test_a_login_is_wanted(guarded, tmp_path, monkeypatch):
    image = f"{guarded}/team/beltline:1"
    wanted = f"{guarded} requires a login for team/beltline: `docker login {guarded}`"
    assert wanted in refusal(image)
    log_in(monkeypatch, tmp_path, guarded, f"not-{PASSWORD}")
    assert wanted in refusal(image)
    log_in(monkeypatch, tmp_path, "another.example")
    assert wanted in refusal(image)


def test_the_login_of_docker_is_taken(guarded, tmp_path, monkeypatch):
    log_in(monkeypatch, tmp_path, guarded)
    assert labels(f"{guarded}/team/beltline:1").values == OURS


def keep_in_store(monkeypatch, folder, script):
    """Has the logins in a credential store, as Docker's desktop has."""
    program = folder / "bin/docker-credential-tests"
    program.parent.mkdir()
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    (folder / "config.json").write_text(json.dumps({"credsStore": "tests"}))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


def test_the_login_may_be_in_a_credential_store(guarded, tmp_path, monkeypatch):
    script = STORE.format(host=guarded, user=USER, password=PASSWORD)
    keep_in_store(monkeypatch, tmp_path, script)
    assert labels(f"{guarded}/team/beltline:1").values == OURS


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho no JSON\n"])
def test_a_credential_store_that_does_not_work(guarded, tmp_path, monkeypatch, script):
    keep_in_store(monkeypatch, tmp_path, script)
    assert "requires a login" in refusal(f"{guarded}/team/beltline:1")


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", '{"auths": {"HOST": {"auth": "no colon"}}}', '{"auths": []}']
)
def test_a_file_of_logins_that_is_broken(guarded, tmp_path, monkeypatch, text):
    (tmp_path / "config.json").write_text(text.replace("HOST", guarded))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert "requires a login" in refusal(f"{guarded}/team/beltline:1")


def test_a_token_for_everybody(registry, tokens):
    tokens.open = True
    with registry.guarded(token=tokens.auth()) as host:
        assert labels(f"{host}/team/beltline:1").values == OURS
    assert tokens.logins == [None]


def test_a_token_for_a_login(registry, tokens, tmp_path, monkeypatch):
    with registry.guarded(token=tokens.auth()) as host:
        assert "requires a login" in refusal(f"{host}/team/beltline:1")
        log_in(monkeypatch, tmp_path, host)
        assert labels(f"{host}/team/beltline:1").values == OURS


def test_a_login_in_netrc_does_not_take_the_place_of_the_token(
    registry, tokens, tmp_path, monkeypatch
):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password other\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with registry.guarded(token=tokens.auth()) as host:
        log_in(monkeypatch, tmp_path, host)
        assert labels(f"{host}/team/beltline:1").values == OURS


@pytest.mark.parametrize("instead", [[], {}, {"token": None}, "token"])
def test_what_is_no_token(registry, tokens, instead):
    tokens.open, tokens.instead = True, instead
    with registry.guarded(token=tokens.auth()) as host:
        assert "is not a registry" in refusal(f"{host}/team/beltline:1")


@pytest.mark.parametrize("elsewhere", ["127.1", "127.0.0.1:1@127.1"])
def test_a_password_leaves_this_machine_by_tls_alone(
    registry, tokens, tmp_path, monkeypatch, elsewhere
):
    # The same server, by a name that doesn't say that it is here.
    realm = tokens.realm.replace("127.0.0.1", elsewhere)
    with registry.guarded(token=tokens.auth(realm)) as host:
        log_in(monkeypatch, tmp_path, host)
        says = refusal(f"{host}/team/beltline:1")
    assert f"{host} requires a login over a connection without TLS" in says
    assert tokens.logins == []


def test_without_a_host_in_the_name_the_engine_is_asked_first(registry, monkeypatch):
    # The hub's address is in no image's name.
    monkeypatch.setattr(module, "_HUB", registry.host)
    registry.push("library/beltline", {"of": "the hub"})
    registry.push("me/beltline", {"of": "me"})
    assert labels("beltline:1").values == {"of": "the hub"}
    assert labels("me/beltline:1").values == {"of": "me"}
    asked = []
    monkeypatch.setattr(
        module, "of_engine", lambda image: asked.append(image) or ImageLabels({}, "")
    )
    assert labels("beltline:1").values == {}
    assert labels(f"{registry.host}/me/beltline:1").values == {"of": "me"}
    assert asked == ["beltline:1"]


def test_neither_a_registry_nor_an_engine():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    assert refusal(f"{host}/beltline:1") == (
        f"registry {host} is not reachable (ConnectionError); no local Docker engine is reachable"
    )


@contextmanager
def answering(status, text, **headers):
    """The host of something that answers so, whatever it is asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "text", ["<html>", "", "[]", "{}", '{"config": 1}', '{"manifests": [1]}', '{"config": {}}']
)
def test_what_is_no_registry(text):
    with answering(200, text) as host:
        assert f"{host} is not a registry" in refusal(f"{host}/beltline:1")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_registry_in_trouble(status):
    with answering(status, "{}") as host:
        assert f"{host} returned {status}" in refusal(f"{host}/beltline:1")


@pytest.mark.parametrize("challenge", ["", "Bearer", 'Bearer service="x"', "Negotiate"])
def test_a_login_of_another_kind(challenge):
    with answering(401, "{}", **{"WWW-Authenticate": challenge}) as host:
        says = refusal(f"{host}/beltline:1")
    assert "requires a login" in says or "is not a registry" in says


def test_elsewhere_it_is_asked_by_tls():
    asked = Registry("registry.example:5000", "beltline")
    assert asked._url == "https://registry.example:5000/v2/beltline"


@pytest.mark.slow
def test_an_engine_that_has_it(docker, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    name = f"beltline-test-labels:{secrets.token_hex(4)}"
    with pytest.raises(CheckSkipped, match=f"{name} not found in the local Docker engine"):
        module.of_engine(name)
    tarfile.open(tmp_path / "empty.tar", "w").close()
    docker("import", "--change", "LABEL io.beltline.lock=10c4", tmp_path / "empty.tar", name)
    try:
        found = labels(name)
        assert found == ImageLabels({"io.beltline.lock": "10c4"}, "in the local Docker engine")
    finally:
        docker("image", "rm", name)
