"""The checks of the cluster against a stub of its API, with a kubeconfig as a user has one."""

import socket

import pytest
from kubernetes import client
from kubernetes.config import incluster_config

from beltline.runners.checks import cluster
from beltline.runners.checks.cluster import ClusterNeeds
from beltline.runners.checks.cluster_capacity import PodRequest, SchedulingNeeds
from tests.kubeflow import cluster_stub
from tests.kubeflow.cluster_objects import (
    ENCODED,
    VALUE,
    account,
    claim,
    config_map,
    machine,
    namespace,
    secret,
)

TOKEN = "planted-token-of-the-login"  # noqa: S105 - it opens nothing
NEEDS = ClusterNeeds(
    namespace="team-a",
    claim="shared",
    account="beltline",
    secrets={"metadata": ("url",), "store": ("id", "key")},
    pull_secrets=("registry",),
    scheduling=SchedulingNeeds((PodRequest("Trainer", 2, "4Gi"),), "nvidia.com/gpu", {}, ()),
)
NAMES = ["cluster", "namespace", "secrets", "account", "volume", "resources", "retries"]


@pytest.fixture(autouse=True)
def nobody(tmp_path, monkeypatch):
    """No cluster is to be found here but the one that a test names."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def known(tmp_path, monkeypatch):
    """A cluster that has all that is needed, and the way to it."""
    with cluster_stub.cluster(TOKEN) as found:
        found.objects = [
            namespace(),
            secret("metadata", "url"),
            secret("store", "id", "key", "more"),
            secret("registry", ".dockerconfigjson"),
            account("beltline"),
            claim(),
            machine(),
            config_map("workflow-controller-configmap", "kubeflow"),
        ]
        file = cluster_stub.kubeconfig(tmp_path / "kubeconfig", found.url, TOKEN)
        monkeypatch.setenv("KUBECONFIG", str(file))
        yield found


def look(needs=NEEDS):
    """The findings by name; whatever they are, nothing secret is in them."""
    found = list(cluster.findings(needs))
    assert not [word for word in (VALUE, ENCODED, TOKEN) if word in repr(found)]
    return {each.check: each for each in found}


def without(known, name):
    """Takes an object away."""
    known.objects = [each for each in known.objects if each.metadata.name != name]


def test_where_all_is_there(known):
    found = look()
    assert [(each.check, each.ok) for each in found.values()] == [(name, True) for name in NAMES]
    assert found["cluster"].text == f"Kubernetes {cluster_stub.VERSION} at {known.url}"
    assert found["secrets"].text == "metadata, store, registry"
    assert found["volume"].text == "shared, 50Gi"
    assert found["account"].text == "beltline"


def test_nothing_is_asked_for_that_the_settings_do_not_name(known):
    needs = ClusterNeeds("team-a", "shared", None, {}, (), NEEDS.scheduling)
    found = look(needs)
    assert [each.ok for each in found.values()] == [True] * len(NAMES)
    assert found["secrets"].text == "none set"
    assert found["account"].text == "Kubeflow's own"
    assert "read_namespaced_secret" not in known.asked
    assert "read_namespaced_service_account" not in known.asked


@pytest.mark.parametrize(
    ("name", "check", "says", "fix"),
    [
        ("team-a", "namespace", "namespace 'team-a' not found", "kubeflow.namespace"),
        ("store", "secrets", "secret 'store' not found in namespace 'team-a'", "kubeflow.secrets"),
        ("registry", "secrets", "secret 'registry' not found in", "kubeflow.image_pull_secrets"),
        ("beltline", "account", "service account 'beltline' not found", "kubeflow.service_account"),
        ("shared", "volume", "persistent volume claim 'shared' not found", "kubeflow.volume_claim"),
        ("machine", "resources", "has no nodes", "add one"),
    ],
)
def test_what_is_missing_is_named_with_the_setting(known, name, check, says, fix):
    without(known, name)
    found = look()
    assert [each.check for each in found.values() if each.ok is not True] == [check]
    assert found[check].ok is False
    assert says in found[check].text
    assert fix in found[check].fix


def test_an_object_of_another_namespace_is_none(known):
    without(known, "beltline")
    known.objects.append(account("beltline", "team-b"))
    assert look()["account"].ok is False


@pytest.mark.parametrize("keys", [("id",), ()], ids=["one of two", "none at all"])
def test_a_secret_without_a_key_that_is_named(known, keys):
    without(known, "store")
    known.objects.append(secret("store", *keys))
    found = look()["secrets"]
    assert found.ok is False
    assert found.text == f"secret 'store' has no key '{'key' if keys else 'id'}'"


@pytest.mark.parametrize(
    ("changed", "ok", "says"),
    [
        (claim("Lost"), False, "the volume of 'shared' is lost"),
        (claim("Pending"), None, "'shared' is not bound yet"),
        (claim(mode="ReadWriteOnce"), None, "ReadWriteOnce: works on one node"),
        (claim(mode="ReadWriteOncePod"), False, "several pods can't write to it"),
        (claim(mode="ReadOnlyMany"), False, "several pods can't write to it"),
    ],
    ids=["lost", "pending", "one machine", "one pod", "read-only"],
)
def test_a_claim_that_pods_cannot_share(known, changed, ok, says):
    without(known, "shared")
    known.objects.append(changed)
    found = look()["volume"]
    assert (found.ok, says in found.text) == (ok, True), found


def test_no_claim_is_named(known):
    needs = ClusterNeeds("team-a", None, None, {}, (), NEEDS.scheduling)
    assert look(needs)["volume"].ok is False
    assert "read_namespaced_persistent_volume_claim" not in known.asked


@pytest.mark.parametrize(
    ("method", "check", "right"),
    [
        ("read_namespace", "namespace", "get namespace team-a"),
        ("read_namespaced_secret", "secrets", "get secret metadata in the namespace team-a"),
        (
            "read_namespaced_service_account",
            "account",
            "get serviceaccount beltline in the namespace team-a",
        ),
        (
            "read_namespaced_persistent_volume_claim",
            "volume",
            "get persistentvolumeclaim shared in the namespace team-a",
        ),
        ("list_node", "resources", "list nodes"),
        (
            "read_namespaced_config_map",
            "retries",
            "get configmap workflow-controller-configmap in the namespace kubeflow",
        ),
    ],
)
def test_what_this_login_may_not_see_is_not_checked(known, method, check, right):
    known.refuses[method] = 403
    found = look()
    assert found[check].ok is None
    assert found[check].text == f"not checked: this login is not allowed to {right}"
    assert [each.ok for name, each in found.items() if name != check] == [True] * 6


def test_a_secret_that_may_not_be_seen_hides_no_other_that_is_missing(known):
    known.refuses["metadata"] = 403
    without(known, "registry")
    found = look()["secrets"]
    assert (found.ok, "secret 'registry' not found" in found.text) == (False, True)


def unreached():
    """What is said of a cluster that can't be asked; nothing else is looked at then."""
    found = look()
    assert list(found) == ["cluster", "rest"]
    assert [each.ok for each in found.values()] == [None, None]
    assert all(name in found["rest"].text for name in NAMES[1:])
    return found["cluster"].text


def test_a_login_that_is_not_taken(known, tmp_path):
    cluster_stub.kubeconfig(tmp_path / "kubeconfig", known.url, f"another-{TOKEN}")
    assert unreached() == f"not checked: {known.url} rejects the kubeconfig's login"


def test_a_server_in_trouble(known):
    known.refuses["get_code"] = 503
    assert f"{known.url} returned 503" in unreached()


def closed():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_nobody_listens(tmp_path, monkeypatch):
    url = f"http://127.0.0.1:{closed()}"
    file = cluster_stub.kubeconfig(tmp_path / "kubeconfig", url, TOKEN)
    monkeypatch.setenv("KUBECONFIG", str(file))
    assert unreached() == (
        f"not checked: no cluster reachable: {url} does not respond (NewConnectionError)"
    )


def test_a_password_in_the_address_is_not_shown(tmp_path, monkeypatch):
    url = f"http://me:{VALUE}@127.0.0.1:{closed()}"
    file = cluster_stub.kubeconfig(tmp_path / "kubeconfig", url, TOKEN)
    monkeypatch.setenv("KUBECONFIG", str(file))
    assert f"http://{url.rpartition('@')[2]} does not respond" in unreached()


def test_something_that_speaks_no_tls(known, tmp_path):
    url = known.url.replace("http:", "https:")
    cluster_stub.kubeconfig(tmp_path / "kubeconfig", url, TOKEN)
    assert f"no cluster reachable: {url} does not respond (SSLError" in unreached()


def test_no_kubeconfig(monkeypatch, tmp_path):
    assert "invalid kubeconfig" in unreached()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    assert "No configuration found" in unreached()


def test_the_default_kubeconfig_is_found(known, tmp_path, monkeypatch):
    monkeypatch.delenv("KUBECONFIG")
    (tmp_path / ".kube").mkdir()
    (tmp_path / "kubeconfig").rename(tmp_path / ".kube/config")
    assert look()["cluster"].ok


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        "[]",
        "just words",
        "current-context: me\n",
        "current-context: me\ncontexts: [me]\n",
        f"current-context: me\ncontexts: [{{name: me, context: {{cluster: c, user: u}}}}]\n"
        f"users: [{{name: u, token: {TOKEN}}}]\nclusters: []\n",
        f"current-context: me\ncontexts: [{{name: me, context: {{cluster: c, user: u}}}}]\n"
        f"users: [{{name: u, user: {{token: [{TOKEN}}}}}]\n",
    ],
    ids=["empty", "no YAML", "list", "text", "no contexts", "no entry", "no user", "half"],
)
def test_a_kubeconfig_that_is_broken(text, tmp_path, monkeypatch):
    (tmp_path / "kubeconfig").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    assert "no cluster reachable: invalid kubeconfig (" in unreached()


def test_within_a_pod_its_own_cluster_is_asked(tmp_path, monkeypatch):
    for name in ("TOKEN", "CERT"):
        (tmp_path / name).write_text(TOKEN)
        monkeypatch.setattr(incluster_config, f"SERVICE_{name}_FILENAME", str(tmp_path / name))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    port = closed()
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(port))
    assert f"https://127.0.0.1:{port} does not respond" in unreached()


@pytest.mark.parametrize(
    "answer",
    [
        (200, "text/html", "<html>welcome</html>"),
        (200, "application/json", "[]"),
        (200, "application/json", '{"major": 1}'),
        (200, "text/plain", ""),
        (404, "text/plain", "404 page not found"),
    ],
    ids=["page", "list", "other object", "nothing", "no such page"],
)
def test_what_is_no_kubernetes(known, answer):
    known.always = answer
    assert unreached() == f"not checked: {known.url} is not a Kubernetes API server"


def test_a_way_to_a_login_page_is_not_followed(known):
    known.always = (302, "text/plain", "")
    assert f"{known.url} returned 302" in unreached()


def test_a_cluster_that_answers_with_pages_later(known, monkeypatch):
    found = cluster.Cluster.from_kubeconfig()
    known.always = (200, "text/html", "<html>log in</html>")
    with pytest.raises(cluster.CheckSkipped, match="not a Kubernetes API server"):
        found.find("namespaced_secret", "store", "team-a")
    with pytest.raises(cluster.CheckSkipped, match="not a Kubernetes API server"):
        found.nodes()


def test_the_stub_takes_nothing_that_writes(known):
    # What it takes is what the other tests hold the check to.
    configuration = client.Configuration(known.url, {"authorization": f"Bearer {TOKEN}"})
    api = client.CoreV1Api(client.ApiClient(configuration))
    assert api.read_namespaced_secret("store", "team-a").metadata.name == "store"
    with pytest.raises(client.ApiException):
        api.delete_namespaced_secret("store", "team-a")
    with pytest.raises(client.ApiException):
        api.list_namespaced_secret("team-a")
    assert len(known.violations) == 2
    known.violations.clear()
