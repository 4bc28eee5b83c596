"""The curated schema: read from its text proto, without the columns that are not read."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from beltline.base.errors import WrongInput
from beltline.pipeline.settings.reading import Project


def read_schema(file: Path) -> schema_pb2.Schema:
    """Returns the schema in a text proto.

    Raises:
      WrongInput: the file is missing or is not a schema; the message says where.
    """
    try:
        return text_format.Parse(file.read_text(encoding="utf-8"), schema_pb2.Schema())
    except (OSError, ValueError) as error:
        raise WrongInput(f"schema: {file}: can't be read: {error}") from None
    except text_format.ParseError as error:
        raise WrongInput(f"schema: {file}:{error}") from None


def project_schema(project: Project) -> schema_pb2.Schema:
    """Returns the schema without the columns that the settings exclude.

    Excluded columns are not read, so the data gate must not miss them. One that the results are
    sliced by is read nevertheless.

    Raises:
      WrongInput: the file is missing or is not a schema.
    """
    schema = read_schema(project.resolve(project.settings.schema_file))
    settings = project.settings
    unread = set(settings.features.exclude) - {*settings.evaluation.slices, settings.label.column}
    kept = [feature for feature in schema.feature if feature.name not in unread]
    del schema.feature[:]
    schema.feature.extend(kept)
    return schema
