"""A project with everything derived from its files: what preflight checks and the compiler takes.

Schema, feature spec and model code are read and derived once, in `resolve`.
"""

from dataclasses import dataclass
from pathlib import Path

from google.protobuf import text_format

from beltline.pipeline import model_code
from beltline.pipeline.feature_spec import FeatureSpec, derive_feature_spec
from beltline.pipeline.schema import project_schema
from beltline.pipeline.settings.reading import Project
from beltline.pipeline.settings.settings import Settings


@dataclass(frozen=True)
class ResolvedProject:
    """Settings, schema, columns and model code that fit together."""

    project: Project
    schema_text: str
    """The curated schema without the columns that are not read, a text proto."""
    features: FeatureSpec
    model_sources: dict[str, bytes]
    """The model code that travels in the bundle: relative path to content."""
    model_digest: str
    """Digest of the model code, for the cache keys of the nodes that run it."""
    inputs_digest: str = ""
    """Digest of everything that a run's outcome depends on; empty where the data were not read."""
    predictions: Path | None = None
    """Where a run publishes predictions; None without any, and where the data were not read."""

    @property
    def settings(self) -> Settings:
        """What `pipeline.yaml` says."""
        return self.project.settings


def resolve(project: Project) -> ResolvedProject:
    """Returns the project with its schema, its columns and its model code; the data are not read.

    Raises:
      WrongInput: settings, schema and model code don't fit together; the message says where.
    """
    schema = project_schema(project)
    features = derive_feature_spec(project, schema)
    sources = model_code.model_sources(project)
    return ResolvedProject(
        project=project,
        schema_text=text_format.MessageToString(schema),
        features=features,
        model_sources=sources,
        model_digest=model_code.code_digest(sources),
    )
