"""Beam's own tests of runners (`ValidatesRunner`), as its wheel ships them, on two workers."""

import importlib
import unittest

import pytest

pytestmark = pytest.mark.slow

MODULES = [
    "apache_beam.metrics.metric_test",
    "apache_beam.pipeline_test",
    "apache_beam.transforms.combinefn_lifecycle_test",
    "apache_beam.transforms.combiners_test",
    "apache_beam.transforms.dofn_lifecycle_test",
    "apache_beam.transforms.ptransform_test",
    "apache_beam.transforms.sideinputs_test",
    "apache_beam.transforms.util_test",
]
EXCLUDED = {
    "test_combining_value_state": "has a stateful DoFn, which is refused",
    "test_group_by_key_importable_special_types_1": "needs another dill than is locked",
    "test_multi_triggered_gbk_side_input": "has an unbounded source, which is refused",
    "test_side_input_with_sdf": "has a splittable DoFn, no bounded source, which is refused",
}
"""Tests that can't pass here, by their names, each with its reason."""


def _marked(suite):
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from _marked(each)
        else:
            # One whose module can't be imported has no such method.
            marked = (type(each), getattr(each, each._testMethodName, None))
            marks = {mark.name for one in marked for mark in getattr(one, "pytestmark", [])}
            if "it_validatesrunner" in marks:
                yield each


@pytest.mark.parametrize("module", MODULES)
def test_of_beams_own(module, scheduler, monkeypatch):
    from apache_beam.testing.test_pipeline import TestPipeline

    options = "--runner=beltline.beam_on_dask.runner.DaskRunner"
    monkeypatch.setattr(
        TestPipeline, "pytest_test_pipeline_options", f"{options} --dask_scheduler={scheduler}"
    )
    loaded = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(module))
    found = [each for each in _marked(loaded) if each._testMethodName not in EXCLUDED]
    assert found, f"{module} has no such tests any more"
    result = unittest.TestResult()
    unittest.TestSuite(found).run(result)
    assert result.testsRun == len(found)
    faults = [f"{test.id()}\n{text}" for test, text in (*result.errors, *result.failures)]
    assert not faults, "\n".join(faults)
