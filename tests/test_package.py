"""The package as a whole: cheap to import, lazy, honest about what it offers, and one tree of errors."""

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys

import pytest

import snnlab
from snnlab import errors

HEAVY = ("torch", "numba", "mlflow", "bentoml", "pyarrow", "pandas", "numpy", "scipy", "sklearn", "matplotlib", "river")
RESEARCH = ("torch", "norse", "snntorch", "brian2", "nest")
MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(snnlab.__path__, "snnlab.")
    if not found.name.startswith(("snnlab._", "snnlab.tracking.pyfunc_model"))
    and not found.name.endswith("_pb2")  # generated
)

IMPORT = """
import json, sys, time
start = time.perf_counter()
import snnlab
print(json.dumps([time.perf_counter() - start, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def loaded_by(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


def test_importing_it_is_cheap_and_pulls_in_nothing_heavy():
    runs = [loaded_by(IMPORT) for _ in range(3)]
    assert min(seconds for seconds, _ in runs) < 3 * 0.6  # generous: the machine may be busy with other tests
    assert set(runs[0][1]).isdisjoint(HEAVY)


def test_the_names_load_on_first_use():
    program = """
import json, sys
import snnlab
before = "numpy" in sys.modules
snnlab.EventBatch
print(json.dumps([before, "pyarrow" in sys.modules, snnlab.domain("sensor").name]))
"""
    assert loaded_by(program) == [False, True, "sensor"]


def test_a_name_that_it_has_not_is_told_with_those_it_has():
    with pytest.raises(AttributeError, match=r"no attribute 'Detecter'; it has .*Detector"):
        _ = snnlab.Detecter
    for name in snnlab.__all__:
        assert getattr(snnlab, name) is not None


def test_the_road_that_scores_needs_no_research_simulator():
    program = """
import json, sys
import snnlab.detectors, snnlab.domains, snnlab.datasets.generators, snnlab.evaluation
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""
    assert set(loaded_by(program)).isdisjoint({*RESEARCH, "mlflow", "bentoml", "sklearn", "matplotlib"})


def test_the_service_imports_no_simulator_and_no_notebook():
    program = """
import importlib, json, pkgutil, sys
import snnlab.serving
for found in pkgutil.walk_packages(snnlab.serving.__path__, "snnlab.serving."):
    importlib.import_module(found.name)
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""
    pytest.importorskip("bentoml")
    assert set(loaded_by(program)).isdisjoint({*RESEARCH, "papermill", "IPython", "matplotlib"})


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_offers(name):
    if name.startswith("snnlab.serving"):
        pytest.importorskip("bentoml")
    module = importlib.import_module(name)
    assert module.__doc__, "a module begins with what it is"
    own = [key for key, thing in vars(module).items() if key[0] != "_" and not inspect.ismodule(thing)]
    if hasattr(module, "__path__") and not own:
        return  # a folder of modules that offers nothing itself
    assert isinstance(getattr(module, "__all__", None), list), "a module lists what it offers"
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        assert hasattr(module, public), public


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_one_of_the_tree(name):
    error = getattr(errors, name)
    assert issubclass(error, errors.SnnlabError)
    assert error.__doc__
    assert name in (errors.__doc__ or "")


def test_the_tree_of_errors_is_all_there_is():
    here = {name for name, thing in vars(errors).items() if inspect.isclass(thing)}
    assert here == set(errors.__all__)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.ConfigError, ValueError),
        (errors.EventError, ValueError),
        (errors.ModelFormatError, ValueError),
        (errors.ModelNotFound, LookupError),
        (errors.UntrustedCode, PermissionError),
    ],
)
def test_errors_are_caught_by_the_builtin_that_a_caller_expects(error, builtin):
    assert issubclass(error, builtin)


def test_the_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert snnlab.__version__ == version("snnlab")
