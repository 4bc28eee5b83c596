"""The cluster that the pods run in, seen with the user's kubeconfig: is there what they name?

Nothing is written, and of a secret no more than the names of its keys is looked at.
To add a check, write a function that returns a line or raises `Problem`, and list it in `CHECKS`.
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

from beltline.runners.checks import cluster_capacity as machines
from beltline.runners.checks.finding import CheckSkipped, Finding, Problem, run_check

_SECONDS = 15
_NO_LOGIN, _FORBIDDEN, _MISSING = 401, 403, 404
_DEFAULT = "~/.kube/config"


@dataclass(frozen=True)
class Needs:
    """What the settings name of the cluster; `secrets` holds the keys of each by its name."""

    namespace: str
    claim: str | None
    account: str | None
    secrets: Mapping[str, tuple[str, ...]]
    pull_secrets: tuple[str, ...]
    machines: machines.Needs


class Cluster:
    """The core API of a cluster; every method raises CheckSkipped where it can't be asked."""

    def __init__(self, configuration: Any):
        # Some write a password into it.
        self.url = re.sub(r"//.*@", "//", str(configuration.host))
        # Once more would only hide the reason.
        configuration.retries = False
        self._client = kubernetes.client.ApiClient(configuration)
        self._api = kubernetes.client.CoreV1Api(self._client)

    @classmethod
    def from_kubeconfig(cls) -> "Cluster":
        """Returns the cluster of the kubeconfig's context, or the one that this runs in."""
        configuration = kubernetes.client.Configuration()
        try:
            _load(configuration)
            return cls(configuration)
        except (ConfigException, OSError) as error:
            # The client shows an entry that lacks something, with the token that it has.
            why = re.sub(r"\{.*\}", "an entry", " ".join(str(error).split()))
        except (AttributeError, TypeError, ValueError, yaml.YAMLError) as error:
            # Which may quote the file.
            why = type(error).__name__
        raise CheckSkipped(f"no cluster reachable: the kubeconfig is of no use ({why})")

    def version(self) -> str:
        """Returns the version of Kubernetes."""
        api = kubernetes.client.VersionApi(self._client)
        found = self._asked(api.get_code, "read its version")
        return str(self._as_kubernetes(found and found.git_version))

    def find(self, kind: str, name: str, namespace: str) -> Any:
        """Returns an object, None if there is none of this name; `kind` as in `namespaced_secret`.

        The namespace itself is of the kind `namespace`.
        """
        where = (name,) if kind == "namespace" else (name, namespace)
        shown = kind.removeprefix("namespaced_").replace("_", "")
        right = f"get {shown} {name}"
        if kind != "namespace":
            right += f" in the namespace {namespace}"
        found = self._asked(getattr(self._api, f"read_{kind}"), right, *where)
        if found is None:
            return None
        # The client makes an empty object of whatever it is given.
        return self._as_kubernetes(found if found.metadata else None)

    def nodes(self) -> list[Any]:
        """Returns the machines."""
        found = self._asked(self._api.list_node, "list nodes")
        return list(self._as_kubernetes(found).items)

    def _asked(self, call: Callable[..., Any], right: str, *arguments: str) -> Any:
        """Returns what the cluster says, None if it says that there is no such thing."""
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
            raise CheckSkipped(f"{self.url} answers, but not as Kubernetes")
        return found

    def _refusal(self, error: ApiException, right: str) -> str:
        if error.status == _FORBIDDEN:
            return f"this login has no right to {right}"
        if error.status == _NO_LOGIN:
            return f"{self.url} doesn't take the kubeconfig's login"
        if not error.status:
            # The client's own number for what went wrong with TLS.
            return self._no_answer(" ".join(str(error.reason).split()))
        return f"{self.url} says {error.status} {error.reason}".rstrip()

    def _no_answer(self, why: str) -> str:
        return f"no cluster reachable: {self.url} doesn't answer ({why})"


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


def findings(needs: Needs) -> Iterator[Finding]:
    """Makes the checks of the cluster; all but the first need one that answers."""
    reached: list[Cluster] = []

    def cluster() -> str:
        found = Cluster.from_kubeconfig()
        version = found.version()
        reached.append(found)
        return f"Kubernetes {version} at {found.url}"

    yield run_check("cluster", cluster)
    if not reached:
        rest = ", ".join(look.__name__ for look in CHECKS)
        yield Finding("rest", None, f"not checked, since it needs the cluster: {rest}")
        return
    for look in CHECKS:
        yield run_check(look.__name__, partial(look, reached[0], needs))


def namespace(cluster: Cluster, needs: Needs) -> str:
    """Checks that there is the namespace."""
    if cluster.find("namespace", needs.namespace, needs.namespace) is None:
        fix = "correct `kubeflow.namespace`, or make it (deploy/kubernetes)"
        raise Problem(f"no namespace '{needs.namespace}'", fix)
    return needs.namespace


def secrets(cluster: Cluster, needs: Needs) -> str:
    """Checks that there are the secrets, each with the keys that become variables."""
    looks = [
        *(partial(_secret, cluster, needs, name) for name in needs.secrets),
        *(partial(_pull_secret, cluster, needs, name) for name in needs.pull_secrets),
    ]
    return ", ".join(_all(looks)) or "none named"


def _all(looks: Iterable[Callable[[], str]]) -> list[str]:
    """Returns what all of them find; one that can't be made doesn't hide another's problem."""
    found, unchecked = [], []
    for look in looks:
        try:
            found.append(look())
        except CheckSkipped as error:
            unchecked.append(error)
    if unchecked:
        raise unchecked[0]
    return found


def _secret(cluster: Cluster, needs: Needs, name: str) -> str:
    found = _there(cluster, needs, "secret", name, "`kubeflow.secrets`")
    missing = [key for key in needs.secrets[name] if key not in (found.data or {})]
    if missing:
        fix = "add it, or correct `kubeflow.secrets`"
        raise Problem(f"the secret '{name}' has no key '{missing[0]}'", fix)
    return name


def _pull_secret(cluster: Cluster, needs: Needs, name: str) -> str:
    _there(cluster, needs, "secret", name, "`kubeflow.image_pull_secrets`")
    return name


def account(cluster: Cluster, needs: Needs) -> str:
    """Checks that there is the service account."""
    if not needs.account:
        return "Kubeflow's own"
    _there(cluster, needs, "service_account", needs.account, "`kubeflow.service_account`")
    return needs.account


def volume(cluster: Cluster, needs: Needs) -> str:
    """Checks that there is the claim, and that pods on several machines can share its volume."""
    if not needs.claim:
        raise Problem("no volume is named", "set `kubeflow.volume_claim`")
    kind, setting = "persistent_volume_claim", "`kubeflow.volume_claim`"
    found = _there(cluster, needs, kind, needs.claim, setting)
    phase = found.status.phase
    if phase == "Lost":
        fix = f"`kubectl -n {needs.namespace} describe pvc {needs.claim}` says why"
        raise Problem(f"the volume of '{needs.claim}' is lost", fix)
    if phase != "Bound":
        raise CheckSkipped(f"'{needs.claim}' has no volume yet; some get it with their first pod")
    modes = list(found.status.access_modes or found.spec.access_modes)
    if not {"ReadWriteMany", "ReadWriteOnce"} & set(modes):
        fix = "name a claim that is ReadWriteMany in `kubeflow.volume_claim`"
        shown = f"'{needs.claim}' is {', '.join(modes)}: several pods can't write to it"
        raise Problem(shown, fix)
    if "ReadWriteMany" not in modes:
        raise CheckSkipped(
            f"'{needs.claim}' is {', '.join(modes)}: enough for one machine; pods on several need "
            "ReadWriteMany"
        )
    return f"{needs.claim}, {(found.status.capacity or {}).get('storage', 'bound')}"


def _there(cluster: Cluster, needs: Needs, kind: str, name: str, setting: str) -> Any:
    found = cluster.find(f"namespaced_{kind}", name, needs.namespace)
    if found is None:
        what = kind.replace("_", " ")
        fix = f"make it, or correct {setting}"
        raise Problem(f"no {what} '{name}' in the namespace '{needs.namespace}'", fix)
    return found


def resources(cluster: Cluster, needs: Needs) -> str:
    """Checks that every node finds a machine that is large enough, with the GPUs it asks for."""
    return machines.check(cluster.nodes(), needs.machines)


CHECKS: tuple[Callable[[Cluster, Needs], str], ...] = (
    namespace,
    secrets,
    account,
    volume,
    resources,
)
