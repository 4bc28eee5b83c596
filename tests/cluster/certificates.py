"""Keys and certificates of the API server, made with openssl, and the options that name them."""

from pathlib import Path

from tests.certificates import openssl

_CALLER = "front-proxy-client"


def accounts(folder: Path) -> tuple[Path, Path]:
    """Makes the keys that sign the tokens of service accounts: a private and a public one."""
    private, public = folder / "accounts", folder / "accounts.pub"
    openssl("genrsa", "-out", private, "2048")
    openssl("rsa", "-in", private, "-pubout", "-out", public)
    return private, public


def aggregation(folder: Path) -> list[str]:
    """Makes the certificate with which the API server calls other APIs; returns its options."""
    certificate, key = folder / "caller.crt", folder / "caller.key"
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={_CALLER}"),
        *("-days", "2", "-keyout", key, "-out", certificate),
    )
    return [
        # Its own authority.
        f"--requestheader-client-ca-file={certificate}",
        f"--requestheader-allowed-names={_CALLER}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={certificate}",
        f"--proxy-client-key-file={key}",
        "--enable-aggregator-routing=true",
    ]
