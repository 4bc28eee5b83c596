"""TLS to ML Metadata's database: what its client can't do is refused, and what it can is done."""

from importlib.metadata import version
from pathlib import Path

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from beltline.base.errors import WrongInput
from beltline.runners.metadata.connection import connection_config
from beltline.runners.metadata.store import Lineage
from tests import databases
from tests.certificates import certificates

CAN = (
    "ml-metadata {}: its client can verify a server. Pass the options on in "
    "runners/metadata/tls.py, and tell so in docs/commands.md."
)


def test_options_that_encrypt_are_passed_on():
    url = "mysql://me@db/meta?ssl_cert=/me.pem&ssl_key=/me.key&ssl_cipher=HIGH&charset=utf8"
    options = connection_config(url).mysql.ssl_options
    assert (options.cert, options.key, options.cipher) == ("/me.pem", "/me.key", "HIGH")
    assert not connection_config("mysql://me@db/meta").mysql.HasField("ssl_options")


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_modes_that_do_without_tls_are_allowed(mode):
    url = f"postgresql://me@db/meta?sslmode={mode}&connect_timeout=3"
    assert connection_config(url).postgresql.host == "db"


@pytest.mark.parametrize(
    "option",
    [
        "ssl_ca=/ca.pem",
        "ssl_capath=/etc/ssl/certs",
        "ssl_mode=VERIFY_IDENTITY",
        "ssl_verify_cert=true",
        "sslmode=verify-full",
        "tls_version=TLSv1.3",
    ],
)
def test_a_mysql_server_that_is_to_be_verified_is_refused(option):
    with pytest.raises(WrongInput, match="verifies no MySQL server; name a proxy") as found:
        connection_config(f"mysql://me:planted@db/meta?ssl_cipher=HIGH&{option}")
    assert f"option '{option.partition('=')[0]}': " in str(found.value)
    assert "planted" not in str(found.value)


@pytest.mark.parametrize(
    "option",
    [
        "sslmode=require",
        "sslmode=verify-full",
        "sslrootcert=/ca.pem",
        "sslMode=x",
        "sslpassword=planted",
    ],
)
def test_tls_for_postgresql_is_refused(option):
    with pytest.raises(WrongInput, match="has no TLS for PostgreSQL; name a proxy") as found:
        connection_config(f"postgresql://me:planted@db/meta?{option}")
    assert f"option '{option.partition('=')[0]}': " in str(found.value)
    assert "planted" not in str(found.value)


def cannot_open(config: pb.ConnectionConfig) -> None:
    with pytest.raises((RuntimeError, mlmd.errors.StatusError)):
        mlmd.MetadataStore(config)
        pytest.fail(CAN.format(version("ml-metadata")))


@pytest.mark.slow
def test_mysql_over_tls_alone(tmp_path: Path):
    made = certificates(tmp_path)
    with databases.mariadb(made) as server:
        url = server.database()
        assert Lineage(f"{url}?ssl_cipher=HIGH", "line").runs() == []
        with pytest.raises(WrongInput, match="Does it require TLS") as found:
            Lineage(url, "line")
        assert databases.PASSWORD not in str(found.value)
        config = connection_config(url)
        config.mysql.ssl_options.ca = f"{made}/ca.pem"
        config.mysql.ssl_options.verify_server_cert = True
        cannot_open(config)


@pytest.mark.slow
def test_postgresql_over_tls_alone(tmp_path: Path):
    made = certificates(tmp_path)
    with databases.postgresql(made) as server:
        url = server.database()
        with pytest.raises(WrongInput, match="can't be opened") as found:
            Lineage(url, "line")
        assert databases.PASSWORD not in str(found.value)
        config = connection_config(url)
        config.postgresql.ssloption.sslmode = "require"
        cannot_open(config)
