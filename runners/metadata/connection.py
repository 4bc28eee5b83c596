"""The connection to ML Metadata's database."""

import os
from typing import Any

# Read at import: otherwise it logs two lines for each connection to PostgreSQL.
os.environ.setdefault("GLOG_minloglevel", "1")

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from beltline.base.database_url import DatabaseUrl, read_url, shown
from beltline.base.errors import WrongInput
from beltline.runners.metadata import postgresql
from beltline.runners.metadata.tls import set_tls
from beltline.runners.paths import METADATA, make_root

# Of a call that conflicts with another process's write; two seconds apart on average.
_RETRIES = 15


def opened(url: str) -> mlmd.MetadataStore:
    """Returns a connection to the database, whose tables are made if there are none.

    Raises:
      WrongInput: the database can't be opened.
    """
    try:
        return mlmd.MetadataStore(connection_config(url))
    except (OSError, RuntimeError, mlmd.errors.StatusError) as error:
        raise WrongInput(
            f"ML Metadata at {shown(url)} can't be opened: {_why(str(error))}"
        ) from None


def connection_config(url: str) -> pb.ConnectionConfig:
    """Returns ML Metadata's connection for `sqlite:///…`, `mysql://…` or `postgresql://…`.

    Raises:
      WrongInput: the URL is none of these, names no database, or has an option for TLS that ML
        Metadata's client can't honour. The message hides the password.
    """
    database = read_url(url, METADATA)
    config = pb.ConnectionConfig()
    config.retry_options.max_num_retries = _RETRIES
    if database.file:
        make_root(database.file.parent)
        config.sqlite.filename_uri = str(database.file)
        config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    elif database.kind == "mysql":
        _fill(config.mysql, database, port=database.port)
        config.mysql.database = database.name
        set_tls(config, database)
    else:
        _fill(config.postgresql, database, port=str(database.port))
        config.postgresql.dbname = database.name
        set_tls(config, database)
        postgresql.install()
    return config


def _why(error: str) -> str:
    if "mysql_real_connect" in error:
        # It doesn't pass on the server's own message.
        return (
            f"{error.strip()} Is the server up, and are user, password and database correct? Does "
            "it require TLS (`?ssl_cipher=HIGH`)?"
        )
    # The message comes first, then the whole query, which helps nobody.
    return error.partition("\n")[0].rpartition(" query:")[0] or error


def _fill(source: Any, database: DatabaseUrl, port: int | str) -> None:
    source.host = database.host
    source.port = port
    source.user = database.user
    source.password = database.password
