#!/bin/sh
# Builds Prism, Beam's own engine behind a job service, of the locked Beam's release; once, in minutes.
set -eu
version=$(sed -n 's/^apache-beam\(\[[^]]*\]\)\{0,1\}==\([0-9.]*\).*/\2/p' requirements/pipeline.txt | head -n 1)
built=build/prism/$version
if [ ! -x "$built/prism" ]; then
    command -v go >/dev/null || { echo "make test-beam: go is not installed (golang-go)" >&2; exit 1; }
    mkdir -p "$built"
    GOBIN=$PWD/$built go install "github.com/apache/beam/sdks/v2/go/cmd/prism@v$version"
fi
ln -sf "$version/prism" build/prism/prism
