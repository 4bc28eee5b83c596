#!/bin/sh
# install.sh pipeline   makes .venv from the locked requirements and installs Beltline into it
# install.sh airflow    makes .venv-airflow: Airflow, and nothing of Beltline
# install.sh mlflow     makes .venv-mlflow: an MLflow server for the tests
# install.sh site        makes .venv-site: what builds the documentation as a site
# install.sh bench-quality    puts the benchmark's peers and tables into build/quality/packages,
#                             beside .venv and not into it: tests must not need them
# Needs a Python 3 (any) with pip or venv; uv finds, or fetches, the Python 3.11 that TFX wants.
set -eu
cd "$(dirname "$0")/.."
tools=.venv-tools

stop() {
    echo "beltline set-up: $*" >&2
    exit 2
}

check_platform() {
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
        stop "needs Linux on x86-64 (TFX has wheels for nothing else); this is $(uname -s) on $(uname -m)"
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | awk '{print $2}')
    [ -n "$glibc" ] || stop "needs glibc 2.28 or later; this system has another C library"
    [ "$(printf '2.28\n%s\n' "$glibc" | sort -V | head -n 1)" = 2.28 ] ||
        stop "needs glibc 2.28 or later; this system has $glibc"
}

# Prints the path of a uv: the one that is there, or one from PyPI at the locked version.
find_uv() {
    if command -v uv >/dev/null 2>&1; then
        command -v uv
        return
    fi
    if [ ! -x $tools/bin/uv ]; then
        python=$(command -v python3) || stop "needs a Python 3 on the PATH to begin with"
        "$python" -m venv $tools >/dev/null 2>&1 || "$python" -m virtualenv $tools >/dev/null 2>&1 ||
            stop "$python can't make environments: install its venv module (Debian: python3-venv)"
        $tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
            -r requirements/uv.txt >&2 || stop "uv can't be installed from PyPI; see above"
    fi
    echo "$PWD/$tools/bin/uv"
}

if [ "${1-}" = bench-quality ]; then
    uv=$(find_uv)
    exec "$uv" pip install --quiet --python .venv/bin/python --target build/quality/packages \
        --no-deps --require-hashes -r requirements/bench-quality.txt
fi
case ${1-} in
pipeline) venv=.venv locks="requirements/pipeline.txt requirements/dev.txt" ;;
airflow) venv=.venv-airflow locks=requirements/airflow.txt ;;
mlflow) venv=.venv-mlflow locks=requirements/mlflow.txt ;;
site) venv=.venv-site locks=requirements/site.txt ;;
*) stop "call it as install.sh pipeline, airflow, mlflow, site or bench-quality" ;;
esac

# The environment is up to date when it holds exactly the locks that it was made from.
# shellcheck disable=SC2086
wanted() {
    cat $locks
    # Its name and its entry points, too: an editable installation made of an older one is stale.
    [ $venv != .venv ] || cat pyproject.toml
}
if [ -f $venv/locks ] && [ "$(cat $venv/locks)" = "$(wanted)" ]; then
    exit 0
fi

check_platform
uv=$(find_uv)
[ -n "$uv" ] || exit 2
if [ ! -x $venv/bin/python ]; then
    "$uv" venv --quiet --python 3.11 $venv ||
        stop "needs Python 3.11, which uv could neither find nor fetch: install it (python3.11)"
fi
echo "Installing the locked requirements into $venv (a few minutes the first time)"
# shellcheck disable=SC2086
"$uv" pip sync --quiet --python $venv/bin/python --require-hashes --compile-bytecode $locks
if [ $venv = .venv ]; then
    "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
    cp requirements/pipeline.txt .venv/beltline.lock
fi
wanted >$venv/locks
