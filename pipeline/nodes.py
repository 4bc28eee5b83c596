"""The role and the description of each node, for people and for the layout of runners."""

from dataclasses import dataclass

from beltline.bundle.manifest import Gate, Role


@dataclass(frozen=True)
class About:
    """A node's role, its description, its gate if it can refuse, and whether it is cached.

    `after_skipped`: it also runs where nodes upstream were skipped, or a gate refused the model.
    """

    role: Role
    does: str
    gate: Gate | None = None
    cached: bool = True
    after_skipped: bool = False


ABOUT: dict[str, About] = {
    "ExampleGen": About("data", "Reads the data files and splits the rows."),
    "StatisticsGen": About("data", "Computes statistics of each split."),
    "Schema": About("data", "The curated schema as an artifact."),
    "ExampleValidator": About("data", "Compares the statistics with the schema."),
    "DataGate": About("data", "Stops the run on anomalous data.", gate="data"),
    "Transform": About("model", "Learns the preprocessing and applies it."),
    "Tuned": About("model", "Finds the hyperparameters that an earlier run has tuned."),
    "Tuner": About("model", "Searches for better hyperparameters."),
    "Trainer": About("model", "Trains the network and exports it."),
    "Champion": About("release", "Finds the last pushed model."),
    "Evaluator": About(
        "release", "Judges the model, and compares it with the champion.", gate="evaluation"
    ),
    "ServingCheck": About("release", "Asks the exported model in a fresh process.", gate="serving"),
    "Refit": About("release", "Trains the blessed model once more, on the rows of all splits."),
    "RefitCheck": About(
        "release",
        "Asks the refitted model in a fresh process, and compares it with the blessed one.",
        gate="serving",
    ),
    # A served version may have been deleted by hand: whether there is work shows on the disk.
    "Pusher": About("release", "Makes the model the next served version.", cached=False),
    "BulkInferrer": About("release", "Predicts a table with the live version.", after_skipped=True),
}
