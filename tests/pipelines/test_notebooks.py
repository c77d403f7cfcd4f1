"""The pipelines' notebooks as files: valid, thin, without outputs, and with parameters that their YAML files know."""

import ast

import nbformat
import papermill
import pytest
import yaml

from snnlab.domains import DOMAINS
from snnlab.errors import ConfigError
from snnlab.workflows.locate import parameters_file, pipeline_notebook, pipelines_folder
from snnlab.workflows.pipeline import merged_parameters

NAMES = ["evaluate", "promote", "retrain", "train"]


@pytest.fixture(params=NAMES)
def notebook(request):
    return nbformat.read(pipeline_notebook(request.param), as_version=nbformat.NO_CONVERT)


def test_there_are_the_four():
    assert sorted(path.stem for path in pipelines_folder().glob("*.ipynb")) == NAMES


def test_it_is_valid_with_ids_and_without_outputs(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")


def test_it_is_thin(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not any(
                isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(ast.parse(cell.source))
            )
            assert len(cell.source.splitlines()) <= 20


@pytest.mark.parametrize("name", NAMES)
def test_its_parameters_are_those_the_workflows_take(name):
    known = set(papermill.inspect_notebook(str(pipeline_notebook(name))))
    assert {"domain", "name", "data", "part", "seed", "world", "events", "timestamp", "entity", "features"} <= known


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_each_domain_has_parameters_that_some_pipeline_knows(domain):
    content = yaml.safe_load(parameters_file(domain).read_text())
    known = {key for name in NAMES for key in papermill.inspect_notebook(str(pipeline_notebook(name)))}
    assert content["domain"] == domain
    assert set(content) <= known
    assert merged_parameters("promote", {"domain": domain, "events": 600, "metric": None}) == {**content, "events": 600}


def test_an_unknown_pipeline_or_parameter_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"no pipeline 'trian'; there is evaluate, promote, retrain, train"):
        pipeline_notebook("trian")
    with pytest.raises(ConfigError, match="no pipeline"):
        pipeline_notebook("../pipelines/train")
    with pytest.raises(ConfigError, match="no parameter 'evens'"):
        merged_parameters("train", {"domain": "sensor", "evens": 3})
    with pytest.raises(ConfigError, match="needs a domain"):
        merged_parameters("train", {})


def test_a_domain_of_ones_own_needs_no_file():
    assert parameters_file("pumps") is None
    assert merged_parameters("train", {"domain": "pumps"}) == {"domain": "pumps"}
