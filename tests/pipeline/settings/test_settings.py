import pytest
import yaml
from pydantic import BaseModel, ValidationError

from beltline.base.settings.section import Section
from beltline.pipeline.settings.evaluation import LOWER_IS_BETTER, METRICS_OF_TASK
from beltline.pipeline.settings.settings import Settings

LEAST = {
    "name": "tiny",
    "data": {"path": "a.csv"},
    "schema": "a.pbtxt",
    "label": {"column": "y", "task": "regression"},
}


def sections(model=Settings, key=""):
    """Every section of the settings with its key."""
    yield key, model
    for name, field in model.model_fields.items():
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from sections(part, f"{key}.{field.alias or name}".lstrip("."))


def test_few_keys_are_needed():
    assert {name for name, f in Settings.model_fields.items() if f.is_required()} == {
        "name",
        "data",
        "schema_file",
        "label",
    }
    settings = Settings.model_validate(LEAST)
    assert settings.data.splits.model_dump() == {"train": 0.7, "validation": 0.1, "eval": 0.2}


def test_every_setting_says_what_it_is_for():
    silent = [
        f"{key}.{name}"
        for key, section in sections()
        for name, field in section.model_fields.items()
        if not (field.description or "").endswith(".")
    ]
    assert silent == []


def test_every_section_refuses_unknown_keys_and_changes():
    found = dict(sections())
    assert {"training", "evaluation.champion", "evaluation.thresholds", "resources"} <= set(found)
    assert all(issubclass(section, Section) for section in found.values())
    settings = Settings.model_validate(LEAST)
    with pytest.raises(ValidationError):
        settings.training.epochs = 3


def test_the_defaults_of_one_project_are_not_shared_with_another():
    first, second = Settings.model_validate(LEAST), Settings.model_validate(LEAST)
    first.model.hidden.append(1)
    assert second.model.hidden == [128, 128]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("span: latest", "latest"),
        ("span: '2026-11-23'", "2026-11-23"),
        # YAML has types of its own for these.
        ("span: 2026-11-23", "2026-11-23"),
        ("span: 7", "7"),
    ],
)
def test_a_span_may_be_written_as_it_is_said(written, read):
    data = yaml.safe_load(f"{{path: a.csv, {written}}}")
    assert Settings.model_validate({**LEAST, "data": data}).data.span == read


@pytest.mark.parametrize("span", ["newest", "2026-1-2", "", "yes", "-1", "1.5"])
def test_anything_else_is_no_span(span):
    data = yaml.safe_load(f"{{path: a.csv, span: {span}}}")
    with pytest.raises(ValidationError):
        Settings.model_validate({**LEAST, "data": data})


def test_a_metric_where_less_is_better_belongs_to_a_task():
    every = {metric for metrics in METRICS_OF_TASK.values() for metric in metrics}
    assert every >= LOWER_IS_BETTER
    assert {"rmse", "mae"} == LOWER_IS_BETTER


@pytest.mark.parametrize("name", ["1tiny", "a/b", "..", "", "a b", "ä", "a" * 64, "tiny\n"])
def test_a_name_is_fit_for_a_folder(name):
    with pytest.raises(ValidationError):
        Settings.model_validate({**LEAST, "name": name})


@pytest.mark.parametrize(
    "written",
    [
        "{gpu: required}",
        "{gpu: preferred, mixed_precision: auto, xla: on, steps_per_execution: 1}",
        "{minutes: 0.5, checkpoint_minutes: 0}",
        "{mixed_precision: bfloat16, steps_per_execution: auto}",
    ],
)
def test_where_and_how_long_training_runs(written):
    Settings.model_validate({**LEAST, "training": yaml.safe_load(written)})


def test_on_and_off_are_written_without_quotes():
    training = yaml.safe_load("{gpu: off, mixed_precision: off, xla: on}")
    read = Settings.model_validate({**LEAST, "training": training}).training
    assert (read.gpu, read.mixed_precision, read.xla) == ("off", "off", "on")


@pytest.mark.parametrize(
    "training",
    [
        {"gpu": "maybe"},
        {"mixed_precision": "float64"},
        {"steps_per_execution": 0},
        {"minutes": 0},
        {"checkpoint_minutes": -1},
    ],
)
def test_where_and_how_long_training_can_not_run(training):
    with pytest.raises(ValidationError):
        Settings.model_validate({**LEAST, "training": training})


def test_a_gpu_is_not_reserved_to_be_left_alone():
    resources = {"Trainer": {"gpu": 1}}
    Settings.model_validate({**LEAST, "resources": resources})
    with pytest.raises(ValidationError, match=r"`resources.Trainer.gpu` reserves 1"):
        Settings.model_validate({**LEAST, "resources": resources, "training": {"gpu": "off"}})


@pytest.mark.parametrize(
    "written",
    [
        "{schedule: '@daily', start_date: 2026-11-23}",
        "{schedule: '0 3 * * 1-5', start_date: '2026-11-23', timezone: Europe/Berlin}",
        "{where: docker, docker: {image: a, volumes: ['/a:/b', '/a:/b:ro']}}",
        "{where: kubernetes, kubernetes: {image: a, volume_claim: b}}",
    ],
)
def test_how_airflow_is_set_up(written):
    Settings.model_validate({**LEAST, "airflow": yaml.safe_load(written)})


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{schedule: nightly}", "pattern"),
        ("{schedule: 0 3 * *}", "pattern"),
        ("{start_date: '2026-02-30'}", "day is out of range"),
        ("{timezone: CEST}", "unknown time zone"),
        ("{root: runs}", "pattern"),
        ("{where: docker}", "is required with `where: docker`"),
        ("{where: docker, docker: {image: a, volumes: [data]}}", "pattern"),
        ("{where: kubernetes, kubernetes: {image: a}}", "is required with `where: kubernetes`"),
        (
            "{where: kubernetes, kubernetes: {image: a, volume_claim: b}, metadata_connection: c}",
            "requires `where: bash` or `docker`",
        ),
        (
            "{where: kubernetes, kubernetes: {image: a, volume_claim: b}, database_connection: c}",
            "requires `where: bash` or `docker`; .* with BELTLINE_DATABASE",
        ),
        ("{database_connection: parts}", "requires `data.source: sql`"),
    ],
)
def test_what_would_not_work_in_airflow(written, message):
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate({**LEAST, "airflow": yaml.safe_load(written)})


@pytest.mark.parametrize(
    "written",
    [
        "{path: a.csv}",
        "{source: files, path: a.csv, span: 7}",
        "{source: sql, query: SELECT 1}",
        "{source: sql, query: 'SELECT :span', changed_by: SELECT 2, span: 2026-11-23}",
    ],
)
def test_where_data_come_from(written):
    Settings.model_validate({**LEAST, "data": yaml.safe_load(written)})


@pytest.mark.parametrize(
    ("written", "key", "message"),
    [
        ("{}", "path", "is required with `source: files`"),
        ("{source: sql}", "query", "is required with `source: sql`"),
        ("{source: sql, path: a.csv}", "query", "is required with `source: sql`"),
        ("{source: sql, query: ''}", "query", "is required with `source: sql`"),
        ("{source: sql, query: a, path: b}", "path", "can't be combined with `source: sql`"),
        ("{path: a, query: b}", "query", "can't be combined with `source: files`"),
        ("{path: a, changed_by: b}", "changed_by", "can't be combined with `source: files`"),
    ],
)
def test_what_does_not_go_with_the_source(written, key, message):
    with pytest.raises(ValidationError, match=message) as refused:
        Settings.model_validate({**LEAST, "data": yaml.safe_load(written)})
    assert refused.value.errors()[0]["ctx"]["error"].key == (key,)


def test_an_airflow_connection_may_be_the_database_of_a_query():
    data = {"source": "sql", "query": "SELECT 1"}
    airflow = {"database_connection": "parts"}
    Settings.model_validate({**LEAST, "data": data, "airflow": airflow})


def test_an_excluded_column_is_read_where_it_is_a_slice():
    features = {"exclude": ["id", "line"]}
    settings = {**LEAST, "features": features, "evaluation": {"slices": ["line"]}}
    assert Settings.model_validate(settings).unread == {"id"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": {"gpu": "required"}}, "asks for a GPU, but trees are trained on the CPU"),
        ({"resources": {"Trainer": {"gpu": 1}}}, "asks for a GPU, but trees are trained on the"),
        ({"resources": {"Refit": {"gpu": 1}}}, "asks for a GPU, but trees are trained on the"),
        ({"tuning": {"search": "hyperband"}}, "hyperband shortens trials by epochs"),
        (
            {"model": {"learners": []}},
            "must be one or more of network, trees, extra_trees, each once",
        ),
        ({"model": {"learners": ["trees", "trees"]}}, "must be one or more of network, trees, "),
        ({"training": {"folds": 0}}, "greater than or equal to 1"),
        ({"training": {"folds": 33}}, "less than or equal to 32"),
        ({"model": {"learners": ["forest"]}}, "'network', 'trees' or 'extra_trees'"),
        ({"model": {"learners": ["trees"], "tree_rows": 0}}, "greater than 0"),
    ],
)
def test_what_trees_can_not_do(changes, message):
    trees = {"model": {"learners": ["trees"]}}
    assert Settings.model_validate({**LEAST, **trees}).model.learners == ["trees"]
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate({**LEAST, **trees, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": {"folds": 4}}, "requires `training.workers: 1`"),
        ({"training": {"steps_per_execution": 4}}, "requires `training.workers: 1`"),
        ({"training": {"batch_size": 1}}, "must be at least `training.workers`, 2: each of them"),
        ({"training": {"workers": 0}}, "greater than or equal to 1"),
        ({"training": {"workers": 257}}, "less than or equal to 256"),
        ({"training": {"workers": "auto"}}, "valid integer"),
        ({"resources": {"Trainer": {"gpu": 1}}}, "a node that computes nothing with `training.wor"),
        ({"resources": {"Refit": {"gpu": 1}}}, "a node that computes nothing with `training.work"),
    ],
)
def test_what_several_workers_can_not_do(changes, message):
    together = {"batch_size": 2, "workers": 2}
    Settings.model_validate({**LEAST, "training": together})
    training = {**together, **changes.get("training", {})}
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate({**LEAST, **changes, "training": training})


@pytest.mark.parametrize("learners", [["network"], ["extra_trees"], ["network", "trees"]])
def test_any_learners_are_trained_by_several_workers(learners):
    training = {"workers": 2}
    read = Settings.model_validate({**LEAST, "model": {"learners": learners}, "training": training})
    assert read.training.workers == 2
    assert (read.folds, read.training.folds) == (1, "auto")


def test_a_gpu_is_for_the_network_also_beside_trees():
    both = {"model": {"learners": ["network", "trees"]}}
    asked = {"training": {"gpu": "required"}, "resources": {"Trainer": {"gpu": 1}}}
    assert Settings.model_validate({**LEAST, **both, **asked}).training.gpu == "required"


@pytest.mark.parametrize(
    ("split_by", "asked", "folds"),
    [
        (None, "auto", "auto"),
        ("lot", "auto", 1),
        ({"time": "made_at"}, "auto", 1),
        ("lot", 4, 4),
    ],
)
def test_rows_that_belong_together_are_not_cut_into_folds(split_by, asked, folds):
    data = {**LEAST["data"], "split_by": split_by}
    settings = {**LEAST, "data": data, "training": {"folds": asked}}
    assert Settings.model_validate(settings).folds == folds


def test_a_refit_has_the_resources_of_the_trainer_unless_it_has_own():
    trainer = {"Trainer": {"gpu": 1}}
    settings = Settings.model_validate({**LEAST, "resources": trainer})
    assert settings.resources_of("Refit") == settings.resources_of("Trainer") is not None
    assert settings.resources_of("Pusher") is None
    own = Settings.model_validate({**LEAST, "resources": {**trainer, "Refit": {"memory": "4Gi"}}})
    assert own.resources_of("Refit").gpu == 0
    with pytest.raises(ValidationError, match=r"`resources.Refit.gpu` reserves 2"):
        given = {"resources": {"Refit": {"gpu": 2}}, "training": {"gpu": "off"}}
        Settings.model_validate({**LEAST, **given})


@pytest.mark.parametrize("written", ["on", "before_blessing", "1", "null"])
def test_when_a_model_is_not_refitted(written):
    for off in ("{}", "{refit: off}", "{refit: 'off'}"):
        assert not Settings.model_validate({**LEAST, "training": yaml.safe_load(off)}).refits
    with pytest.raises(ValidationError, match="'off' or 'after_blessing'"):
        training = yaml.safe_load(f"{{refit: {written}}}")
        Settings.model_validate({**LEAST, "training": training})


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"push": {"directory": "https://bucket/x"}}, "only s3:// and gs://"),
        ({"push": {"directory": "s3://key:planted@bucket/x"}}, "don't belong in a URL"),
        ({"artifacts": "/a/path"}, "artifacts\n.*not a URL, such as s3://"),
        ({"artifacts": "s3://bucket/"}, "name a prefix in the bucket"),
        ({"local": {"root": "s3://bucket/root"}}, "root: a path on a disk is needed"),
    ],
)
def test_a_url_that_can_not_be_used_is_refused(section, said):
    with pytest.raises(ValidationError, match=said) as error:
        Settings.model_validate(LEAST | section)
    assert "planted" not in error.value.errors()[0]["msg"]


def test_versions_may_be_at_a_url():
    settings = Settings.model_validate(LEAST | {"push": {"directory": "s3://bucket/served/"}})
    assert settings.push.directory == "s3://bucket/served"
