#!/bin/sh
# Runs the tests that need Kubeflow Pipelines' own backend: `make test-kubeflow`. It makes a cluster
# with kind, puts the official manifests of KUBEFLOW (2.17.0) on it, and removes it at the end. It
# needs Docker, kind, kubectl, and a network in which their images are found.
set -eu
cd "$(dirname "$0")/../.."
export KUBEFLOW="${KUBEFLOW:-2.17.0}"
# kind has no context of somebody's, and no cluster of somebody's is deleted.
cluster=beltline-$$
mkdir -p build/backend
export KUBECONFIG="$PWD/build/backend/kubeconfig"
export BELTLINE_TEST_VOLUME="$PWD/build/backend/volume"
export BELTLINE_TEST_IMAGE=beltline.test/beltline:1
manifests=github.com/kubeflow/pipelines/manifests/kustomize
forward=

end() {
    [ -z "$forward" ] || kill "$forward" || true
    kind delete cluster --name "$cluster"
}
trap end EXIT

rm -rf "$BELTLINE_TEST_VOLUME"
mkdir -p "$BELTLINE_TEST_VOLUME"
# What pods write to the volume lies here, at the same path in kind's node.
kind create cluster --name "$cluster" --kubeconfig "$KUBECONFIG" --wait 5m --config - <<END
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
    extraMounts: [{hostPath: "$BELTLINE_TEST_VOLUME", containerPath: "$BELTLINE_TEST_VOLUME"}]
END
make image IMAGE=$BELTLINE_TEST_IMAGE
kind load docker-image --name "$cluster" $BELTLINE_TEST_IMAGE

kubectl apply -k "$manifests/cluster-scoped-resources?ref=$KUBEFLOW"
kubectl wait --for condition=established --timeout 60s crd/applications.app.k8s.io
kubectl apply -k "$manifests/env/platform-agnostic?ref=$KUBEFLOW"
kubectl -n kubeflow wait --for condition=Available --timeout 20m deployment --all
kubectl -n kubeflow port-forward service/ml-pipeline 18888:8888 >build/backend/forward.log &
forward=$!
export BELTLINE_KUBEFLOW=http://127.0.0.1:18888
.venv/bin/python -m pytest -m cluster tests/backend "$@"
