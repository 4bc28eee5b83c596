import os
from pathlib import Path

import pytest

import beltline
from beltline.base.errors import WrongInput
from beltline.bundle.stripping import stripped
from beltline.pipeline.model_code import code_digest, model_sources
from tests.pipeline.components.small import project


def with_files(folder, **files):
    for name, text in files.items():
        file = folder / name.replace("__", "/").replace("_py", ".py").replace("init", "__init__")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def wrong(folder, override):
    with pytest.raises(WrongInput) as caught:
        model_sources(project(folder, override))
    return str(caught.value)


def test_the_own_models_travel_whole(tmp_path):
    sources = model_sources(project(tmp_path))
    ours = {name.removeprefix("beltline/") for name in sources}
    assert {"__init__.py", "models/__init__.py", "models/training.py"} <= ours
    assert all(name == "__init__.py" or name.startswith("models/") for name in ours)
    assert all(name.startswith("beltline/") and name.endswith(".py") for name in sources)


def test_a_change_of_the_python_api_trains_no_model_again(tmp_path):
    travelling = model_sources(project(tmp_path))["beltline/__init__.py"].decode()
    installed = Path(beltline.__file__).read_text()
    # Whichever is first on the path makes a package of both.
    assert [line for line in travelling.splitlines() if line not in installed.splitlines()] == []
    assert "def open" in installed and "def " not in travelling


def test_the_own_models_travel_without_comments_and_yours_with_them(tmp_path):
    text = b'"""Mine."""\n\n\ndef build():  # mine\n    pass\n'
    with_files(tmp_path, net_py=text.decode())
    sources = model_sources(project(tmp_path, "model.network_fn=net.build"))
    assert sources["net.py"] == text
    for name, source in sources.items():
        if name not in ("net.py", "beltline/__init__.py"):
            package = Path(beltline.__file__).parent
            assert source == stripped((package.parent / name).read_bytes())
            assert b'"""' not in source


@pytest.mark.parametrize(
    ("override", "needed"),
    [
        ("model.learners=[trees, network]", ["trees/"]),
        ("features.timestamps={mold: [hour]}", ["timestamps.py"]),
        (
            "tuning.when=missing",
            ["oracles.py", "search_space.py", "trial_processes.py", "trials.py", "tuning.py"],
        ),
    ],
)
def test_what_only_some_settings_need_travels_with_them_alone(tmp_path, override, needed):
    without, all_of_them = (
        set(model_sources(project(tmp_path, "model.learners=[network]", *each)))
        for each in ((), (override,))
    )
    assert without < all_of_them
    expected = tuple(f"beltline/models/{each}" for each in needed)
    added = all_of_them - without
    assert all(name.startswith(expected) for name in added)
    assert all(any(name.startswith(each) for name in added) for each in expected)


def test_what_trains_together_travels_where_several_processes_do(tmp_path):
    shared, trees = "beltline/models/shared/", "beltline/models/trees/shared/"
    for learner, needed in (("network", (shared,)), ("trees", (shared, trees))):
        alone, together = (
            set(model_sources(project(tmp_path, f"model.learners=[{learner}]", workers)))
            for workers in ("training.workers=1", "training.workers=2")
        )
        added = together - alone
        assert {name for name in together if name.startswith(needed)} == added
        assert (f"{shared}passes.py" in added) == (learner == "network")
        assert all(any(name.startswith(each) for name in added) for each in needed)


def test_a_package_beside_the_settings_travels_too(tmp_path):
    with_files(tmp_path, mine__init_py="", mine__net_py="def build(): pass\n", mine__sub__a_py="")
    sources = model_sources(project(tmp_path, "model.network_fn=mine.net.build"))
    own = {"mine/__init__.py", "mine/net.py", "mine/sub/a.py"}
    assert own | {"beltline/models/training.py"} <= set(sources)
    assert sources["mine/net.py"] == b"def build(): pass\n"


def test_a_single_file_beside_the_settings_travels_too(tmp_path):
    with_files(tmp_path, net_py="def build(): pass\n")
    sources = model_sources(project(tmp_path, "model.network_fn=net.build"))
    assert sources["net.py"] == b"def build(): pass\n"


def test_what_stands_beside_the_settings_goes_before_what_is_installed(tmp_path):
    with_files(
        tmp_path,
        models__init_py="",
        models__mine_py="def f(): pass\n",
    )
    keys = ("preprocessing_fn", "run_fn", "tuner_fn", "network_fn")
    sources = model_sources(project(tmp_path, *(f"model.{key}=models.mine.f" for key in keys)))
    assert set(sources) == {"models/__init__.py", "models/mine.py"}


@pytest.mark.parametrize(
    "source",
    [
        "from beltline.models.network import build_network as build\n",
        "import beltline.models.network\nbuild = beltline.models.network.build_network\n",
        "class build:\n    pass\n",
        "@cache\ndef build(): pass\n",
    ],
)
def test_a_function_may_come_into_its_module_in_any_way(tmp_path, source):
    with_files(tmp_path, net_py=source)
    assert "net.py" in model_sources(project(tmp_path, "model.network_fn=net.build"))


def test_a_function_in_the_package_itself(tmp_path):
    with_files(tmp_path, mine__init_py="def build(): pass\n")
    assert "mine/__init__.py" in model_sources(project(tmp_path, "model.network_fn=mine.build"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "model.run_fn=nowhere.f",
            "model.run_fn: nowhere.f: no package 'nowhere' beside pipeline.yaml or installed",
        ),
        (
            "model.run_fn=beltline.models.trainin.run_fn",
            "model.run_fn: beltline.models.trainin.run_fn: no module 'beltline.models.trainin'; "
            "did you mean 'beltline.models.training'?",
        ),
        (
            "model.run_fn=beltline.models.training.runfn",
            "models/training.py defines no function 'runfn'; did you mean 'run_fn'?",
        ),
        (
            "model.run_fn=beltline.pipelin.f",
            "model.run_fn: beltline.pipelin.f: 'beltline.pipelin' is not model code",
        ),
        (
            "model.network_fn=json.f",
            "'json' is also the name of a module of Python's standard library",
        ),
        (
            "model.network_fn=keras.f",
            "'keras' is also the name of a module of an installed library",
        ),
        ("model.tuner_fn=__main__.f", "model.tuner_fn: __main__.f: "),
        ("model.tuner_fn=sys.exit", "model.tuner_fn: sys.exit: no module 'sys'"),
        ("model.tuner_fn=broken.f", "model.tuner_fn: broken.py:2: invalid Python: "),
        ("model.tuner_fn=bare.a.f", "needs an (empty) __init__.py"),
        ("model.tuner_fn=inner.f", "inner.py defines no function 'f'"),
    ],
)
def test_what_is_not_there_is_named(tmp_path, override, message):
    with_files(
        tmp_path,
        broken_py="\ndef f(:\n",
        bare__a_py="def f(): pass\n",
        inner_py="def g():\n    def f(): pass\n",
        json_py="def f(): pass\n",
        keras__init_py="def f(): pass\n",
    )
    assert message in wrong(tmp_path, override)


def test_the_digest_is_of_the_sources_alone(tmp_path):
    with_files(tmp_path, mine__init_py="", mine__net_py="def build(): pass\n")
    settled = project(tmp_path, "model.network_fn=mine.net.build")

    def now():
        return code_digest(model_sources(settled))

    before = now()
    (tmp_path / "mine" / "README.md").write_text("words")
    (tmp_path / "mine" / "__pycache__").mkdir()
    (tmp_path / "mine" / "__pycache__" / "net.py").write_text("x")
    os.utime(tmp_path / "mine" / "net.py", (1, 1))
    assert now() == before
    with_files(tmp_path, mine__net_py="def build(): return 1\n")
    changed = now()
    assert changed != before
    with_files(tmp_path, mine__new_py="")
    assert now() not in (before, changed)
