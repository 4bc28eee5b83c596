#!/bin/sh
# slim.sh SITE_PACKAGES   removes what no node and no server of the image loads (docs/image.md)
# tests/deploy/test_image.py and tests/kubeflow run what is left.
set -eu
cd "$1"

# Calls find on those of the folders before `--` that are here: the server's image has fewer.
in_folders() {
    folders=/dev/null
    while [ "$1" != -- ]; do
        [ ! -d "$1" ] || folders="$folders $1"
        shift
    done
    shift
    # shellcheck disable=SC2086
    find $folders "$@"
}

# Headers for compilers, and the libraries' own tests.
rm -rf tensorflow/include pyarrow/include tfx/components/testdata
in_folders pandas scipy sklearn pyarrow -- -type d -name tests -prune -exec rm -r {} +
in_folders tfx apache_beam -- -type f '(' -name '*_test.py' -o -name '*_test.cpython-*' ')' -delete
# Vertex AI's client, the binding to Clang, TensorBoard's loader.
rm -rf google/cloud/aiplatform* google/genai vertexai agentplatform clang tensorboard_data_server
rm -rf google_cloud_aiplatform-* google_genai-* libclang-* tensorboard_data_server-*
# Of Swagger UI's package, another viewer, and what only a debugger of its scripts reads.
rm -rf drf_spectacular_sidecar/static/drf_spectacular_sidecar/redoc
in_folders drf_spectacular_sidecar -- -name '*.map' -delete
# What a notebook completes names from, and Arrow's protocol for servers.
rm -rf jedi/third_party/typeshed jedi/third_party/django-stubs
rm -f pyarrow/libarrow_flight* pyarrow/libarrow_python_flight* pyarrow/_flight*
# A fourth of TensorFlow's libraries, and most of Beam's, is what a debugger would show. Libraries
# that a wheel brings along in a folder of their own (NumPy's, SciPy's) can't be stripped.
if command -v strip >/dev/null; then
    in_folders tensorflow apache_beam zstandard pyarrow tfx_bsl uvloop lightgbm -- -name '*.so*' -type f -exec strip --strip-all {} +
else
    echo "slim.sh: no strip here (binutils): libraries keep their symbols" >&2
fi
