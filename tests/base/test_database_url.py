from pathlib import Path

import pytest

from beltline.base.database_url import read_url, shown, sqlite_file
from beltline.base.errors import WrongInput

VARIABLE = "BELTLINE_DATABASE"


def test_a_server():
    text = "postgresql://me:p%40ss%2Fword@db.example:5433/parts?sslmode=require"
    found = read_url(text, VARIABLE)
    assert (found.kind, found.host, found.port) == ("postgresql", "db.example", 5433)
    assert (found.user, found.password, found.name) == ("me", "p@ss/word", "parts")
    assert found.options == {"sslmode": "require"} and found.file is None


@pytest.mark.parametrize(
    ("url", "kind", "port"),
    [
        ("postgres://me@db/parts", "postgresql", 5432),
        ("postgresql+psycopg2://me@db/parts", "postgresql", 5432),
        ("mysql+mysqldb://me@db/parts", "mysql", 3306),
        ("mysql://me@[::1]:13306/parts", "mysql", 13306),
    ],
)
def test_other_spellings(url, kind, port):
    found = read_url(url, VARIABLE)
    assert (found.kind, found.port, found.name, found.password) == (kind, port, "parts", "")


@pytest.mark.parametrize("name", ["plain", "a b", "50%", "no#1", "why?", "ä:@"])
def test_a_file_in_any_folder(name):
    found = read_url(f"sqlite:///data/{name}/parts.db", VARIABLE)
    assert found.file == sqlite_file(found.text) == Path(f"/data/{name}/parts.db")
    assert str(found) == found.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite:///",
        "parts.db",
        "mysql://me:planted@host",
        "oracle://me:planted@host/parts",
        # A password with characters that a URL must spell differently.
        "mysql://me:planted/planted@host/parts",
        "mysql://me:planted#planted@host/parts",
        "mysql://me:planted@planted@host:none/parts",
        "mysql://[me:planted@host/parts",
        # Typing errors around it.
        "mysql//me:planted@host/parts",
        "mysql:/me:planted@host/parts",
        "mysql:me:planted@host/parts",
        "mysql;//me:planted@host/parts",
        "mysql: //me:planted@host/parts",
        "mysql:///me:planted@host/parts",
        "jdbc:mysql://me:planted@host/parts",
        "me:planted@host/parts",
        "mysql://me;planted@host",
        "mysql://me:planted",
        "mysql//me:planted/parts",
    ],
)
def test_another_url_is_refused_without_its_password(url):
    with pytest.raises(WrongInput, match=r"BELTLINE_DATABASE=.*must be sqlite:///FILE") as refused:
        read_url(url, VARIABLE)
    assert "planted" not in str(refused.value)


def test_the_password_is_shown_nowhere():
    text = "postgresql://me:p%40planted@db/parts?sslpassword=planted2&sslmode=require"
    found = read_url(text, VARIABLE)
    assert str(found) == "postgresql://me:…@db/parts?sslpassword=…&sslmode=require" == shown(text)
    assert "planted" not in repr(found)
    said = found.without_secrets("p@planted, p%40planted and planted2 won't do")
    assert said == "…, … and … won't do"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://db:3306",
        "mysql://db:3306/parts",
        "postgresql://me@db:5432/parts",
        "sqlite:///a:b@c",
    ],
)
def test_a_url_without_a_password_is_shown_as_it_is(url):
    assert shown(url) == url


def test_messages_without_a_password_are_unchanged():
    found = read_url("mysql://me@db/parts", VARIABLE)
    assert found.without_secrets("no way") == "no way"
    assert str(found) == "mysql://me@db/parts"
