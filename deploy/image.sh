#!/bin/sh
# image.sh   builds the image from this checkout (`make image`)
# IMAGE, BASE_IMAGE and VARIANT say which; BUILD_OPTIONS are more options of `docker build`, and
# DOCKER is the client. What `make setup` is told about a proxy, certificates and another package
# index holds here too, and stays out of the image.
set -eu
cd "$(dirname "$0")/.."
docker=${DOCKER:-docker}
variant=${VARIANT:-pipeline}

stop() {
    echo "beltline image: $*" >&2
    exit 2
}

DOCKER_BUILDKIT=1 "$docker" build --help 2>/dev/null | grep -q -e --secret ||
    stop "$docker can't build with BuildKit: install Docker 20.10 or later (from 23 on with the" \
        "plugin buildx), or name another client in DOCKER"

case $variant in
pipeline) lock_file=cpu name=beltline suffix= ;;
gpu) lock_file=gpu name=beltline suffix=-gpu ;;
serving) lock_file=serving name=beltline-serving suffix= ;;
*) stop "VARIANT is '$variant': it is pipeline, gpu or serving" ;;
esac

# As it will be read in the image: its label must say the same.
digests=$(PYTHONPATH=src python3 - "requirements/$lock_file.txt" <<'END'
import pathlib, sys
from beltline.base import digest
from beltline.bundle import environment
lock = digest.of_lock(pathlib.Path(sys.argv[1]).read_text())[:16]
print(environment.VERSION, lock, environment.source_digest(), environment.models_digest())
END
) || stop "needs a Python 3.9 or later, as python3, to compute the labels"
read -r version lock source models <<END
$digests
END
image=${IMAGE:-$name:$version$suffix}

set -- --build-arg "LOCK_FILE=$lock_file" --build-arg "VERSION=$version" \
    --build-arg "LOCK=$lock" --build-arg "SOURCE=$source" --build-arg "MODELS=$models"
[ -z "${BASE_IMAGE:-}" ] || set -- "$@" --build-arg "BASE_IMAGE=$BASE_IMAGE"
for name in HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    eval "value=\${$name:-}"
    [ -n "$value" ] || continue
    # APT reads these names in lower case alone.
    lower=$(echo "$name" | tr '[:upper:]' '[:lower:]')
    export "$lower=$value"
    set -- "$@" --build-arg "$name" --build-arg "$lower"
done
certificates=${SSL_CERT_FILE:-${PIP_CERT:-}}
[ -z "$certificates" ] || set -- "$@" --secret "id=ca,src=$certificates"
[ -z "${UV_DEFAULT_INDEX:-}" ] || set -- "$@" --secret id=index,env=UV_DEFAULT_INDEX

# shellcheck disable=SC2086
DOCKER_BUILDKIT=1 "$docker" build ${BUILD_OPTIONS:-} "$@" --tag "$image" --file deploy/Dockerfile .
echo "built $image"
