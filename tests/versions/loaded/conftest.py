"""The versions of the server's tests."""

from tests.serving.conftest import bring, served_folder, three_versions

__all__ = ["bring", "served_folder", "three_versions"]
