"""The research notebooks as files: valid, small, without outputs but those that are compared. nbval runs them."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
COMPARED = "# NBVAL_CHECK_OUTPUT"


@pytest.fixture(params=PATHS, ids=[path.stem for path in PATHS])
def notebook(request):
    return nbformat.read(request.param, as_version=nbformat.NO_CONVERT)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_each_has_a_number_of_its_own_and_the_readme_names_them():
    told = (FOLDER / "README.md").read_text(encoding="utf-8")
    numbers = [path.name[:2] for path in PATHS]
    assert {f"{number:02d}" for number in range(1, 12)} <= set(numbers)
    assert len(set(numbers)) == len(numbers)
    assert all(f"({path.name})" in told for path in PATHS)


def test_it_is_valid_with_ids_of_its_own(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_it_begins_with_what_will_be_seen(notebook):
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert re.search(r"[Yy]ou (will see|look into)", first.source)


def test_only_what_is_compared_has_outputs(notebook):
    for cell in code_cells(notebook):
        compared = cell.source.startswith(COMPARED)
        assert bool(cell.outputs) == compared
        assert all(output.output_type == "stream" and len(output.text) < 2_000 for output in cell.outputs)
    assert any(cell.outputs for cell in code_cells(notebook))


def test_cells_are_thin(notebook):
    for cell in code_cells(notebook):
        plain = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
        assert ast.parse(plain)
        assert len(plain.splitlines()) <= 36
