"""The sections `model` and `training` of `pipeline.yaml`: what learns, and its training."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator

from beltline.base.settings.section import Section

DottedName = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]


Learner = Literal["network", "trees", "extra_trees"]
_TREES: tuple[Learner, ...] = ("trees", "extra_trees")


class Model(Section):
    """What learns, and the functions to replace any part of it."""

    preprocessing_fn: DottedName = Field(
        "beltline.models.preprocessing.preprocessing_fn",
        description="TF Transform's `preprocessing_fn(inputs, custom_config)`.",
    )
    run_fn: DottedName = Field(
        "beltline.models.training.run_fn", description="The Trainer's `run_fn(fn_args)`."
    )
    tuner_fn: DottedName = Field(
        "beltline.models.tuning.tuner_fn", description="The Tuner's `tuner_fn(fn_args)`."
    )
    network_fn: DottedName = Field(
        "beltline.models.network.build_network",
        description="`build_network(features, vocabulary_sizes, hyperparameters)`, a Keras model.",
    )
    learners: list[Learner] = Field(
        ["network", "trees", "extra_trees"],
        description="What learns: a `network`, gradient-boosted `trees` (LightGBM), and "
        "`extra_trees`, whose thresholds are random and which, beside others, learn from up to "
        "10,000 rows; the model is their weighted mean. Settings "
        "named `tree_…` are for both kinds of trees; `training.epochs`, `patience`, `batch_size`, "
        "`learning_rate`, `weight_decay`, `mixed_precision`, `xla` and `steps_per_execution` are "
        "for the network alone.",
    )
    members: int = Field(
        8, ge=1, description="Ensemble members, which are trained together and averaged."
    )
    hidden: list[Annotated[int, Field(ge=1)]] = Field(
        default_factory=lambda: [128, 128], min_length=1, description="Units of each layer."
    )
    dropout: float = Field(0.2, ge=0, lt=1, description="Share of the units dropped in each step.")
    embedding: int = Field(16, ge=1, description="Most dimensions of a category's embedding.")
    tree_rounds: int = Field(
        2000, ge=1, le=100_000, description="Most boosting rounds: trees, or trees for each class."
    )
    tree_patience: int = Field(
        50,
        ge=1,
        description="Boosting rounds without a better validation loss before training stops early.",
    )
    tree_learning_rate: float = Field(
        0.05, gt=0, le=1, description="Share of what a tree found that is added to the model."
    )
    tree_leaves: int = Field(31, ge=2, le=4096, description="Most leaves of a tree.")
    tree_depth: int = Field(8, ge=1, le=30, description="Most splits between a root and a leaf.")
    tree_min_rows: int = Field(20, ge=1, description="Fewest training rows of a leaf.")
    tree_rows: float = Field(
        0.8, gt=0, le=1, description="Share of the training rows that each tree sees."
    )
    tree_columns: float = Field(
        0.8, gt=0, le=1, description="Share of the columns that each tree sees."
    )

    @property
    def has_trees(self) -> bool:
        """Whether trees are among the learners."""
        return bool(set(_TREES) & set(self.learners))

    @field_validator("learners")
    @classmethod
    def _are_some(cls, value: list[Learner]) -> list[Learner]:
        if not value or len(set(value)) < len(value):
            raise ValueError(f"must be one or more of {', '.join(get_args(Learner))}, each once")
        return value


class Training(Section):
    """How the model is trained."""

    epochs: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto",
        description="Most epochs, over which the learning rate decays; `auto` is 16, more where "
        "they would have fewer than 100 steps, and fewer where the table has above 50,000 rows.",
    )
    patience: int = Field(
        8,
        ge=1,
        description="Epochs without a better validation loss before training stops early; at "
        "most half of the epochs, where these are `auto`.",
    )
    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto",
        description="Rows per step and device, or of all `workers` together; `auto` follows the "
        "number of rows.",
    )
    learning_rate: float = Field(
        2e-3,
        gt=0,
        description="AdamW's peak learning rate, after a warm-up and before a decay to 0.",
    )
    weight_decay: float = Field(1e-4, ge=0, description="AdamW's weight decay.")
    folds: Annotated[int, Field(ge=1, le=32)] | Literal["auto"] = Field(
        "auto",
        description="Into how many parts the rows of train and validation are cut: "
        "as many forests, or networks, each leave one out and are averaged, so that all rows are "
        "learned from, and each is judged by one that has not seen it. `1` learns from the train "
        "split alone. `auto` is 8 forests up to 20,000 rows, 4 up to 100,000, else 1; and 4 "
        "networks up to 10,000 rows, else 1, which are also the most. It is 1 for both with "
        "`data.split_by`, whose rows belong together.",
    )
    refit: Literal["off", "after_blessing"] = Field(
        "off",
        description="`after_blessing` trains the same once more on the rows of all splits, when "
        "the gates have blessed the model, and pushes that one: see Model, Refit.",
    )
    seed: int = Field(7, ge=0, description="Seed of the weights, the shuffling and the dropout.")
    imbalance: Literal["prior", "balanced"] = Field(
        "prior",
        description="Rare classes: `prior` starts from the classes' shares and chooses the "
        "threshold on the validation split, `balanced` weights the classes equally.",
    )
    gpu: Literal["required", "preferred", "off"] = Field(
        "preferred",
        description="Without a GPU, `required` fails the training and `preferred` uses the CPU "
        "with a warning; `off` never uses a GPU.",
    )
    mixed_precision: Literal["auto", "off", "float16", "bfloat16"] = Field(
        "auto",
        description="Type of the computation on a GPU; the weights stay float32. `auto` is the "
        "GPU's fastest.",
    )
    xla: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Whether XLA compiles the training step; `auto` is off, since training is not "
        "deterministic with it.",
    )
    steps_per_execution: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto", description="Most steps in one call of TensorFlow; `auto` is up to 16."
    )
    minutes: float | None = Field(
        None,
        gt=0,
        description="Time limit after which the training ends and its best weights are exported; "
        "without it, epochs and patience decide. Several learners have the same share of it.",
    )
    checkpoint_minutes: float = Field(
        1.0,
        ge=0,
        description="Least time between two checkpoints, which are written at the end of an epoch; "
        "0 writes one after every epoch.",
    )

    workers: int = Field(
        1,
        ge=1,
        le=256,
        description="Processes on the Dask cluster that train together, each with its share of the "
        "rows; more than one requires `beam.runner: dask`. Another number gives a slightly other "
        "model.",
    )

    @field_validator("gpu", "mixed_precision", "xla", "refit", mode="before")
    @classmethod
    def _on_and_off(cls, value: Any) -> Any:
        # YAML reads them as true and false.
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else value
