"""The engine of the Beam pipelines, the same on every runner."""

BEAM_ARGS = [
    # One process and no network: Beam's newer default runner would fetch a program of its own.
    "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    "--direct_running_mode=in_memory",
    # Where none is named, TFX packs itself up for remote workers before every Beam node: seconds
    # each, and 50 MB that stay in the temporary folder.
    "--sdk_container_image=none",
]
