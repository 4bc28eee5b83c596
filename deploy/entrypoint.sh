#!/bin/sh
# The image's entry point. Beam starts its containers with options alone, everybody else with a command.
case "${1-}" in
    --*) exec python -m beltline.runners.beam.boot "$@" ;;
    *) exec "$@" ;;
esac
