"""The checks of the cluster, with the user's kubeconfig: do the objects in the settings exist?

Nothing is written, and of a secret only the names of its keys are read. To add a check, write a
function that returns a line or raises `Problem`, and list it in `CHECKS`.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import kubernetes
import yaml
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from beltline.runners.checks import cluster_capacity, cluster_retries
from beltline.runners.checks.finding import CheckSkipped, Finding, Problem, run_check

KUBEFLOWS_OWN = "kubeflow"
"""The namespace of Kubeflow's own parts."""
_SECONDS = 15
_NO_LOGIN, _FORBIDDEN, _MISSING = 401, 403, 404
_DEFAULT = "~/.kube/config"


@dataclass(frozen=True)
class ClusterNeeds:
    """The objects that the settings need; `secrets` has the keys of each secret by its name."""

    namespace: str
    claim: str | None
    account: str | None
    secrets: Mapping[str, tuple[str, ...]]
    pull_secrets: tuple[str, ...]
    scheduling: cluster_capacity.SchedulingNeeds


class Cluster:
    """The core API of a cluster; every method raises CheckSkipped if a call fails."""

    def __init__(self, configuration: Any):
        # It may contain a password.
        self.url = re.sub(r"//.*@", "//", str(configuration.host))
        # Retries would only hide the reason.
        configuration.retries = False
        self._client = kubernetes.client.ApiClient(configuration)
        self._api = kubernetes.client.CoreV1Api(self._client)

    @classmethod
    def from_kubeconfig(cls) -> "Cluster":
        """Returns the cluster of the kubeconfig's context, or the one that this process runs in."""
        configuration = kubernetes.client.Configuration()
        try:
            _load(configuration)
            return cls(configuration)
        except (ConfigException, OSError) as error:
            # The client's message prints an incomplete entry, with its token.
            why = re.sub(r"\{.*\}", "an entry", " ".join(str(error).split()))
        except (AttributeError, TypeError, ValueError, yaml.YAMLError) as error:
            # Its message may quote the file.
            why = type(error).__name__
        raise CheckSkipped(f"no cluster reachable: invalid kubeconfig ({why})")

    def version(self) -> str:
        """Returns the version of Kubernetes."""
        api = kubernetes.client.VersionApi(self._client)
        found = self._asked(api.get_code, "read its version")
        return str(self._as_kubernetes(found and found.git_version))

    def find(self, kind: str, name: str, namespace: str) -> Any:
        """Returns an object, or None; `kind` as in `namespaced_secret`, or `namespace`."""
        where = (name,) if kind == "namespace" else (name, namespace)
        shown = kind.removeprefix("namespaced_").replace("_", "")
        right = f"get {shown} {name}"
        if kind != "namespace":
            right += f" in the namespace {namespace}"
        found = self._asked(getattr(self._api, f"read_{kind}"), right, *where)
        if found is None:
            return None
        # The client returns an empty object for any JSON.
        return self._as_kubernetes(found if found.metadata else None)

    def nodes(self) -> list[Any]:
        """Returns the nodes of the cluster."""
        found = self._asked(self._api.list_node, "list nodes")
        return list(self._as_kubernetes(found).items)

    def _asked(self, call: Callable[..., Any], right: str, *arguments: str) -> Any:
        """Returns the result of a call, None if the object is not found."""
        try:
            return call(*arguments, _request_timeout=_SECONDS)
        except ApiException as error:
            if error.status == _MISSING:
                return None
            raise CheckSkipped(self._refusal(error, right)) from None
        except (HTTPError, OSError) as error:
            raise CheckSkipped(self._no_answer(type(error).__name__)) from None
        except (AttributeError, TypeError, ValueError):
            return self._as_kubernetes(None)

    def _as_kubernetes(self, found: Any) -> Any:
        if not found:
            raise CheckSkipped(f"{self.url} is not a Kubernetes API server")
        return found

    def _refusal(self, error: ApiException, right: str) -> str:
        if error.status == _FORBIDDEN:
            return f"this login is not allowed to {right}"
        if error.status == _NO_LOGIN:
            return f"{self.url} rejects the kubeconfig's login"
        if not error.status:
            # The client's status for a TLS error.
            return self._no_answer(" ".join(str(error.reason).split()))
        return f"{self.url} returned {error.status} {error.reason}".rstrip()

    def _no_answer(self, why: str) -> str:
        return f"no cluster reachable: {self.url} does not respond ({why})"


def _load(configuration: Any) -> None:
    file = os.environ.get("KUBECONFIG") or _DEFAULT
    try:
        kubernetes.config.load_kube_config(
            file, client_configuration=configuration, persist_config=False
        )
    except ConfigException:
        if "KUBERNETES_SERVICE_HOST" not in os.environ:
            raise
        kubernetes.config.load_incluster_config(client_configuration=configuration)


def findings(needs: ClusterNeeds) -> Iterator[Finding]:
    """Runs the checks of the cluster; all but the first need it to be reachable."""
    reached: list[Cluster] = []

    def cluster() -> str:
        found = Cluster.from_kubeconfig()
        version = found.version()
        reached.append(found)
        return f"Kubernetes {version} at {found.url}"

    yield run_check("cluster", cluster)
    if not reached:
        rest = ", ".join(look.__name__ for look in CHECKS)
        yield Finding("rest", None, f"not checked, as the cluster is not reachable: {rest}")
        return
    for look in CHECKS:
        yield run_check(look.__name__, partial(look, reached[0], needs))


def namespace(cluster: Cluster, needs: ClusterNeeds) -> str:
    """Checks that the namespace exists."""
    if cluster.find("namespace", needs.namespace, needs.namespace) is None:
        fix = "fix `kubeflow.namespace`, or create it (deploy/kubernetes)"
        raise Problem(f"namespace '{needs.namespace}' not found", fix)
    return needs.namespace


def secrets(cluster: Cluster, needs: ClusterNeeds) -> str:
    """Checks that the secrets exist, each with the keys that become variables."""
    looks = [
        *(partial(_secret, cluster, needs, name) for name in needs.secrets),
        *(partial(_pull_secret, cluster, needs, name) for name in needs.pull_secrets),
    ]
    return ", ".join(_all(looks)) or "none set"


def _all(looks: Iterable[Callable[[], str]]) -> list[str]:
    """Returns the lines of all checks; a skipped one doesn't hide another's problem."""
    found, unchecked = [], []
    for look in looks:
        try:
            found.append(look())
        except CheckSkipped as error:
            unchecked.append(error)
    if unchecked:
        raise unchecked[0]
    return found


def _secret(cluster: Cluster, needs: ClusterNeeds, name: str) -> str:
    found = _there(cluster, needs, "secret", name, "`kubeflow.secrets`")
    missing = [key for key in needs.secrets[name] if key not in (found.data or {})]
    if missing:
        fix = "add it, or fix `kubeflow.secrets`"
        raise Problem(f"secret '{name}' has no key '{missing[0]}'", fix)
    return name


def _pull_secret(cluster: Cluster, needs: ClusterNeeds, name: str) -> str:
    _there(cluster, needs, "secret", name, "`kubeflow.image_pull_secrets`")
    return name


def account(cluster: Cluster, needs: ClusterNeeds) -> str:
    """Checks that the service account exists."""
    if not needs.account:
        return "Kubeflow's own"
    _there(cluster, needs, "service_account", needs.account, "`kubeflow.service_account`")
    return needs.account


def volume(cluster: Cluster, needs: ClusterNeeds) -> str:
    """Checks that the claim exists, and that pods on several nodes can share its volume."""
    if not needs.claim:
        raise Problem("`kubeflow.volume_claim` is not set", "set it to a persistent volume claim")
    kind, setting = "persistent_volume_claim", "`kubeflow.volume_claim`"
    found = _there(cluster, needs, kind, needs.claim, setting)
    phase = found.status.phase
    if phase == "Lost":
        fix = f"`kubectl -n {needs.namespace} describe pvc {needs.claim}` says why"
        raise Problem(f"the volume of '{needs.claim}' is lost", fix)
    if phase != "Bound":
        raise CheckSkipped(f"'{needs.claim}' is not bound yet; some are bound by their first pod")
    modes = list(found.status.access_modes or found.spec.access_modes)
    if not {"ReadWriteMany", "ReadWriteOnce"} & set(modes):
        fix = "set `kubeflow.volume_claim` to a claim that is ReadWriteMany"
        shown = f"'{needs.claim}' is {', '.join(modes)}: several pods can't write to it"
        raise Problem(shown, fix)
    if "ReadWriteMany" not in modes:
        raise CheckSkipped(
            f"'{needs.claim}' is {', '.join(modes)}: works on one node; pods on several nodes need "
            "ReadWriteMany"
        )
    return f"{needs.claim}, {(found.status.capacity or {}).get('storage', 'bound')}"


def _there(cluster: Cluster, needs: ClusterNeeds, kind: str, name: str, setting: str) -> Any:
    found = cluster.find(f"namespaced_{kind}", name, needs.namespace)
    if found is None:
        what = kind.replace("_", " ")
        fix = f"create it, or fix {setting}"
        raise Problem(f"{what} '{name}' not found in namespace '{needs.namespace}'", fix)
    return found


def resources(cluster: Cluster, needs: ClusterNeeds) -> str:
    """Checks that some node is large enough for each request, with its GPUs."""
    return cluster_capacity.check(cluster.nodes(), needs.scheduling)


def retries(cluster: Cluster, _: ClusterNeeds) -> str:
    """Checks which pods the cluster starts again."""
    name = cluster_retries.CONFIG_MAP
    return cluster_retries.check(cluster.find("namespaced_config_map", name, KUBEFLOWS_OWN))


CHECKS: tuple[Callable[[Cluster, ClusterNeeds], str], ...] = (
    namespace,
    secrets,
    account,
    volume,
    resources,
    retries,
)
