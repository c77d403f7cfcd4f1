import re
import subprocess
import sys
import time

import pytest
import typer

from snnlab.cli.application import app

COMMANDS = ["train", "evaluate", "promote", "retrain", "score", "replay", "serve", "worker", "demo", "version"]
GROUPS = [("data", "list"), ("data", "fetch"), ("data", "generate")]


@pytest.mark.parametrize("command", [(name,) for name in COMMANDS] + GROUPS, ids="-".join)
def test_every_command_has_help_with_an_example_that_runs_it(snnlab, command):
    done = snnlab(*command, "--help")
    assert done.code == 0
    assert re.search(rf"Examples?:\n(.*\n)*?.*snnlab {' '.join(command)}", done.out)


def test_the_help_names_every_command(snnlab):
    told = snnlab("--help").out
    assert all(f"\n  {name} " in told for name in [*COMMANDS, "data", "bench"])


def test_a_group_that_comes_later_is_there_when_asked_for(snnlab):
    done = snnlab("bench", "--help")
    assert done.code == 0
    assert "latency" in done.out


def test_an_unknown_command_or_option_is_refused(refused):
    assert "trian" in refused("trian")
    assert "--colour" in refused("score", "--colour")
    assert "No such command" in refused("data", "lst")


def test_the_version(snnlab):
    import snnlab as package

    assert package.__version__ in snnlab("version").out


def test_the_start_imports_nothing_heavy():
    heavy = "numba|scipy|pandas|mlflow|bentoml|papermill|torch|sklearn|matplotlib|pyarrow"
    told = f"import sys, snnlab.cli; print(sorted(m for m in sys.modules if m in '{heavy}'.split('|')))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_help_is_there_at_once():
    begun = time.monotonic()
    subprocess.run([sys.executable, "-m", "snnlab", "--help"], capture_output=True, check=True)
    assert time.monotonic() - begun < 5  # it takes a tenth of a second on a machine that does nothing else


def test_every_option_says_what_it_is():
    for name, command in typer.main.get_command(app).commands.items():
        for parameter in getattr(command, "params", []):
            assert parameter.opts
            if parameter.param_type_name == "option" and name != "bench":
                assert parameter.help or parameter.name == "port", f"{name} {parameter.opts}"
