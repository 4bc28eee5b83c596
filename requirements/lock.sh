#!/bin/sh
# Locks the requirements with hashes: for Linux on x86-64, Python 3.11, glibc 2.28 and later.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv-tools/bin/uv)

compile() {
    "$uv" pip compile --quiet --upgrade --generate-hashes --custom-compile-command "make lock" "$@"
}

target="--python-version 3.11 --python-platform x86_64-manylinux_2_28"
pipeline="pyproject.toml --extra pipeline --extra dask --extra openlineage --override requirements/overrides.txt"
# shellcheck disable=SC2086
{
    compile $target $pipeline --override requirements/pipeline-overrides.txt \
        -o requirements/pipeline.txt
    # The same versions, with other builds of TensorFlow.
    same="--constraint requirements/pipeline.txt"
    compile $target $pipeline --override requirements/gpu-overrides.txt $same \
        -o requirements/gpu.txt
    compile $target $pipeline requirements/cpu.in --override requirements/cpu-overrides.txt $same \
        -o requirements/cpu.txt
    compile $target requirements/serving.in --override requirements/serving-overrides.txt \
        --constraint requirements/cpu.txt -o requirements/serving.txt
}
# shellcheck disable=SC2086
compile $target requirements/dev.in --override requirements/dev-overrides.txt \
    -o requirements/dev.txt
# What these need is in the other two, or not needed: see the file.
# shellcheck disable=SC2086
compile $target --no-deps requirements/bench-quality.in -o requirements/bench-quality.txt
# shellcheck disable=SC2086
compile $target requirements/airflow.in -o requirements/airflow.txt
# shellcheck disable=SC2086
compile $target requirements/mlflow.in -o requirements/mlflow.txt
# shellcheck disable=SC2086
compile $target requirements/site.in -o requirements/site.txt
compile --python-version 3.8 requirements/uv.in -o requirements/uv.txt
