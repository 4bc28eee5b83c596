#!/bin/sh
# Runs the tests that need a Kubernetes cluster: `make test-cluster`. On the cluster of KUBECONFIG,
# or on one of this machine's, in namespaces for network, mounts and processes that end with it.
set -eu
cd "$(dirname "$0")/../.."
pytest=".venv/bin/python -m pytest -m cluster tests/cluster $*"
[ -z "${KUBECONFIG:-}" ] || exec $pytest
# What comes over the network comes before.
.venv/bin/python -m tests.cluster.prepare
export BELTLINE_TEST_CLUSTER=own
exec unshare --net --mount --propagation private --pid --fork --kill-child --mount-proc sh -c "
    mount --make-rshared /
    for folder in /run/containerd /run/netns; do
        mkdir -p \$folder
        mount -t tmpfs none \$folder
    done
    exec $pytest"
