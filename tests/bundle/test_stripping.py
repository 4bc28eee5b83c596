import ast
import lzma
from pathlib import Path

import pytest

from beltline.bundle.stripping import stripped

ROOT = Path(__file__).parents[2]
MODELS = sorted((ROOT / "models").rglob("*.py"))

SOURCE = '''\
#!/usr/bin/env python
"""A module.

Of several lines; # no comment.
"""

from __future__ import annotations  # why


# Alone.
class C:
    """Only this."""


class D:
    x: int = 1
    """What x is."""

    def f(self):
        r"""Raw \\d."""  # behind
        if self:
            # Alone in a block.
            return "# no comment"
        return """
# no comment either
"""
'''
STRIPPED = '''\

""




from __future__ import annotations



class C:
    ""


class D:
    x: int = 1
    ""

    def f(self):
        ""
        if self:

            return "# no comment"
        return """
# no comment either
"""
'''


def test_comments_and_docstrings_are_left_out():
    assert stripped(SOURCE.encode()).decode() == STRIPPED


@pytest.mark.parametrize(
    "source",
    [
        "",
        "\n",
        "x = 1",
        "x = (\n    'text'\n)\n",
        "x = (  'a'\n    'b'\n)\n",
        "f(\n    'text'\n)\n",
        "x = [\n'a',\n'b'\n]\n",
        "x = \\\n    'text'\n",
        "'a'.join(x)\n",
        "'a' 'b'\n",
        "f'{print()}'\n",
        "F'''\n{print()}\n'''\n",
        "if x: 'text'\n",
        "x = 1; 'text'\n",
        "def f():\n    return 'text'\n",
        "x = '''\n# text\n\n    '''\n",
        "x = 'ä'\n",
        "\tx\n",
        "def f(:\n",
        "x = '''\n# open",
        "x = $\n",
        "\x00\n",
    ],
)
def test_whatever_else_stays_as_it_is(source):
    assert stripped(source.encode()) == source.encode()


@pytest.mark.parametrize(
    ("source", "left"),
    [
        (b"# only", b""),
        (b"'only'", b'""'),
        (b"'text' # and more", b'""'),
        (b"x = (  # why\n    'text'  # what\n)\n", b"x = (\n    'text'\n)\n"),
        (b"x = 'a' # \xc3\xa4\n", b"x = 'a'\n"),
        (b"'\xc3\xa4'; x = 1 # y\n", b"'\xc3\xa4'; x = 1\n"),
        (b"def f():\n    '''a\n\n    b'''\n    x\n", b'def f():\n    ""\n\n\n    x\n'),
        (b"def f():\n\n    # first\n    'text'\n", b'def f():\n\n\n    ""\n'),
        (b"# -*- coding: latin-1 -*-\nx = '\xe4'\n", b"\nx = '\xc3\xa4'\n"),
        (b"\xef\xbb\xbfx = 1 # y\n", b"x = 1\n"),
        (b"x = 1 # y\r\nz = 2\r\n", b"x = 1\nz = 2\r\n"),
    ],
)
def test_borders(source, left):
    assert stripped(source) == left
    ast.parse(left)


def test_bytes_that_are_no_text_stay():
    assert stripped(b"x = '\xe4'\n") == b"x = '\xe4'\n"
    assert stripped(b"# coding: nowhere\n") == b"# coding: nowhere\n"


class WithoutDocstrings(ast.NodeTransformer):
    """Empties each statement that is a string; where it ends is no longer of interest."""

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value.value = ""
            for each in (node, node.value):
                each.end_lineno = each.end_col_offset = 0
        return node


def meaning(source):
    """The module's statements with their places, but where a statement with a docstring ends."""
    tree = WithoutDocstrings().visit(ast.parse(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.end_lineno = node.end_col_offset = 0
    return ast.dump(tree, include_attributes=True)


@pytest.mark.parametrize("file", MODELS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_statement_of_the_models_stays_in_its_place(file):
    source = file.read_bytes()
    left = stripped(source)
    assert meaning(left) == meaning(source)
    assert left.count(b"\n") == source.count(b"\n")
    assert stripped(left) == left
    assert b'"""' not in left


def test_a_third_of_what_the_models_take_is_text_for_readers():
    whole = [file.read_bytes() for file in MODELS]
    left = [stripped(source) for source in whole]
    sent, before = (lzma.compress(b"".join(each)) for each in (left, whole))
    assert len(sent) < 0.7 * len(before)
