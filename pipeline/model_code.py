"""Collects the model code that the settings name, to travel in the bundle."""

import ast
import importlib.util
import sys
import sysconfig
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from beltline.base import digest
from beltline.base.errors import WrongInput
from beltline.base.hints import did_you_mean
from beltline.bundle.stripping import stripped
from beltline.pipeline.settings.reading import Project
from beltline.pipeline.settings.settings import Settings

_OURS = "beltline"
TRAVELS = ("models",)
"""The packages of Beltline's own that are model code."""
# What the installed package of this name says for nodes, without the Python API: a change of that
# trains no model again.
_SHARED = b"from pkgutil import extend_path\n\n__path__ = extend_path(__path__, __name__)\n"

_FOR_TUNING = ("oracles", "search_space", "trial_processes", "trials", "tuning")
_NEEDED_BY: dict[str, Callable[[Settings], bool]] = {
    f"{_OURS}/models/trees/": lambda settings: settings.model.has_trees,
    f"{_OURS}/models/shared/": lambda settings: settings.training.workers > 1,
    f"{_OURS}/models/trees/shared/": lambda settings: settings.training.workers > 1,
    **{
        f"{_OURS}/models/shared/{name}.py": lambda settings: "network" in settings.model.learners
        for name in ("network", "passes")
    },
    f"{_OURS}/models/timestamps.py": lambda settings: bool(settings.features.timestamps),
    **{
        f"{_OURS}/models/{name}.py": lambda settings: settings.tuning.when != "never"
        for name in _FOR_TUNING
    },
}
"""What only some settings need: Kubeflow keeps a package's bundle eight times in a run's object."""

_KEYS = ("preprocessing_fn", "run_fn", "tuner_fn", "network_fn")


def model_sources(project: Project) -> dict[str, bytes]:
    """Returns the sources of every package that the settings name: relative path to content.

    A package is looked for beside `pipeline.yaml` first, then where Python finds it. All of it
    travels, since one module of it may import another: yours as it is, Beltline's own without
    comments and docstrings (`bundle/stripping.py`), and without what these settings don't need.

    Raises:
      WrongInput: a package, a module or a function is not found.
    """
    sources: dict[str, bytes] = {}
    for key in _KEYS:
        name = getattr(project.settings.model, key)
        found = _found(project, key, name)
        _check_function(f"model.{key}", name, found)
        sources |= found
    unused = tuple(path for path, needs in _NEEDED_BY.items() if not needs(project.settings))
    return {name: source for name, source in sources.items() if not name.startswith(unused)}


def code_digest(sources: dict[str, bytes]) -> str:
    """Returns the digest that stands for the model code in cache keys."""
    return digest.of_parts(sources)[:16]


def _found(project: Project, key: str, name: str) -> dict[str, bytes]:
    """Returns the sources of the package that a dotted name begins with, by relative path."""
    package, *rest = name.split(".")
    if package == _OURS:
        return _of_beltline(key, name, rest[0])
    for place in (project.folder / package, project.folder / f"{package}.py"):
        if (place / "__init__.py").exists() or place.is_file():
            _check_name(key, name, package)
            return digest.source_files(place)
        if place.is_dir() and any(place.glob("*.py")):
            raise WrongInput(f"model.{key}: {name}: {place} needs an (empty) __init__.py")
    spec = _installed(package)
    if spec is None or spec.origin is None:
        hint = f"; Beltline's own is '{_OURS}.{name}'" if package in TRAVELS else ""
        raise WrongInput(
            f"model.{key}: {name}: no package '{package}' beside {project.file.name} or installed"
            f"{hint}"
        )
    origin = Path(spec.origin)
    return digest.source_files(origin.parent if origin.name == "__init__.py" else origin)


def _of_beltline(key: str, name: str, package: str) -> dict[str, bytes]:
    """Returns the sources of a package of ours, with what makes a package of the two of them."""
    here = Path(__file__).parents[1]
    if package not in TRAVELS:
        hint = did_you_mean(package, TRAVELS)
        raise WrongInput(f"model.{key}: {name}: '{_OURS}.{package}' is not model code{hint}")
    found = digest.source_files(here / package)
    own = {f"{_OURS}/{file}": stripped(source) for file, source in found.items()}
    return {f"{_OURS}/__init__.py": _SHARED, **own}


def _check_name(key: str, name: str, package: str) -> None:
    """Refuses a package whose name a node needs for something else."""
    if package in sys.stdlib_module_names:
        owner = "Python's standard library"
    elif PathFinder.find_spec(package, [sysconfig.get_path("purelib")]):
        owner = "an installed library"
    else:
        return
    raise WrongInput(
        f"model.{key}: {name}: '{package}' is also the name of a module of {owner}, which nodes "
        "could no longer import; rename yours"
    )


def _installed(package: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(package)
    except ValueError:
        # Python's answer for `__main__`.
        return None


def _check_function(key: str, name: str, sources: dict[str, bytes]) -> None:
    module, _, function = name.rpartition(".")
    path = module.replace(".", "/")
    file = next((f for f in (f"{path}.py", f"{path}/__init__.py") if f in sources), None)
    if file is None:
        names = [file.removesuffix(".py").replace("/", ".") for file in sources]
        raise WrongInput(f"{key}: {name}: no module '{module}'{did_you_mean(module, names)}")
    defined = list(_defined(key, file, sources[file]))
    if function not in defined:
        hint = did_you_mean(function, defined)
        raise WrongInput(f"{key}: {name}: {file} defines no function '{function}'{hint}")


def _defined(key: str, file: str, source: bytes) -> Iterator[str]:
    """Yields what the module's own lines define, import or assign."""
    try:
        tree = ast.parse(source, filename=file)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise WrongInput(f"{key}: {file}:{line}: invalid Python: {error}") from None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
