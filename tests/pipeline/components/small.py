"""A project in a few lines, for tests that change one thing in it."""

from pathlib import Path

from beltline.pipeline.feature_spec import derive_feature_spec
from beltline.pipeline.schema import read_schema
from beltline.pipeline.settings.reading import Project, read_project

SETTINGS = """\
name: tiny
data:
  path: data.csv
schema: schema.pbtxt
label:
  column: scrap
  task: binary
  positive: scrap
features:
  exclude: [part]
evaluation:
  thresholds:
    auc: {lower: 0.6}
"""

SCHEMA = """\
feature { name: "temp" type: FLOAT presence { min_fraction: 0.9 min_count: 1 }
  value_count { min: 1 max: 1 } float_domain { disallow_inf: true } }
feature { name: "hour" type: INT presence { min_fraction: 1 min_count: 1 }
  value_count { min: 1 max: 1 } int_domain { is_categorical: true } }
feature { name: "mold" type: BYTES domain: "mold" presence { min_fraction: 1 min_count: 1 }
  value_count { min: 1 max: 1 } distribution_constraints { min_domain_mass: 0.9 } }
feature { name: "scrap" type: BYTES domain: "scrap" presence { min_fraction: 1 min_count: 1 }
  value_count { min: 1 max: 1 } distribution_constraints { min_domain_mass: 1 } }
string_domain { name: "mold" value: "A" value: "B" }
string_domain { name: "scrap" value: "scrap" value: "ok" }
"""

HEADER = "part,temp,hour,mold,scrap"


def rows(count: int = 40) -> list[str]:
    """Rows that fit the schema; no two are alike."""
    return [
        f"p{i},{200 + i / 7:.4f},{i % 5},{'AB'[i % 2]},{'scrap' if i % 3 == 0 else 'ok'}"
        for i in range(count)
    ]


def write(folder: Path, settings: str = SETTINGS, schema: str = SCHEMA) -> Path:
    """Writes settings, schema and data into `folder`; returns the settings' path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pipeline.yaml").write_text(settings, encoding="utf-8")
    (folder / "schema.pbtxt").write_text(schema, encoding="utf-8")
    (folder / "data.csv").write_text("\n".join([HEADER, *rows()]) + "\n", encoding="utf-8")
    return folder / "pipeline.yaml"


def project(folder: Path, *overrides: str, schema: str = SCHEMA) -> Project:
    """A project with `overrides` as `--set` would lay them over it."""
    return read_project(write(folder, schema=schema), overrides)


def columns(folder: Path, *overrides: str, schema: str = SCHEMA):
    """The feature spec of such a project."""
    changed = project(folder, *overrides, schema=schema)
    return derive_feature_spec(changed, read_schema(changed.resolve(changed.settings.schema_file)))
