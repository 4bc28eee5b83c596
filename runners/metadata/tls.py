"""Which of a URL's options for TLS ML Metadata's client, as PyPI has it, can honour.

For PostgreSQL it is built without TLS. For MySQL it encrypts, and accepts no server that it is to
verify, whatever its certificate is. So what asks for more is an error: nobody is connected with
less protection than was asked for. `tests/runners/metadata/test_tls.py` says when it can do more.
"""

import re

from ml_metadata.proto import metadata_store_pb2 as pb

from beltline.base.database_url import DatabaseUrl
from beltline.base.errors import WrongInput
from beltline.runners.paths import METADATA

# The URL's options that encrypt, by the field that ML Metadata has for each.
_MYSQL = {"ssl_cert": "cert", "ssl_cipher": "cipher", "ssl_key": "key"}
# Of libpq's modes, those that do without TLS where there is none.
_WITHOUT = ("allow", "disable", "prefer")
_CLIENT = "ML Metadata's client"


def set_tls(config: pb.ConnectionConfig, database: DatabaseUrl) -> None:
    """Sets the options for TLS; others, such as a driver's `charset`, mean nothing here.

    Raises:
      WrongInput: an option can't be honoured, or is unknown. The message hides the password.
    """
    for name, value in database.options.items():
        if not re.match("ssl|tls", name, re.IGNORECASE):
            continue
        if database.kind == "mysql" and name in _MYSQL:
            setattr(config.mysql.ssl_options, _MYSQL[name], value)
        elif not (database.kind == "postgresql" and name == "sslmode" and value in _WITHOUT):
            raise WrongInput(f"{METADATA}={database}: option '{name}': {_why(database.kind)}")


def _why(kind: str) -> str:
    if kind == "postgresql":
        return (
            f"{_CLIENT} has no TLS for PostgreSQL; name a proxy on this machine or in this pod that"
            " has, such as PgBouncer with server_tls_sslmode=verify-full, without options for TLS"
        )
    return (
        f"{_CLIENT} verifies no MySQL server; name a proxy on this machine or in this pod that "
        "does, such as ProxySQL, without options for TLS. To encrypt without verifying, there are: "
        f"{', '.join(_MYSQL)} (`?ssl_cipher=HIGH`)"
    )
