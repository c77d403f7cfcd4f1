"""What the README tells to type is there, its Python runs, and what it points to exists."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from snnlab.bench.cli import app as bench
from snnlab.cli.application import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PYTHON = [body for language, body in BLOCKS if language == "python"]
TYPED = [line.split(" #")[0].strip() for language, body in BLOCKS if not language for line in body.splitlines()]
INLINE = [code for code in re.findall(r"`([^`\n]+)`", README) if code.startswith(("snnlab ", "make "))]


def command_of(words):
    """The command that words name, and the words after it."""
    group = typer.main.get_command(app)
    while (words and words[0] in getattr(group, "commands", {})) or words[:1] == ["bench"]:
        group = typer.main.get_command(bench) if words[0] == "bench" else group.commands[words[0]]
        words = words[1:]
    return group, words


@pytest.mark.parametrize("line", sorted({line for line in [*TYPED, *INLINE] if line.startswith("snnlab ")}))
def test_every_command_exists_with_its_options(line):
    words = shlex.split(line)[1:]
    command, rest = command_of(words)
    assert not hasattr(command, "commands"), f"{line}: no such command"
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in rest if word.startswith("--")} <= known


@pytest.mark.parametrize("line", sorted({line for line in [*TYPED, *INLINE] if line.startswith("make ")}))
def test_every_target_exists(line):
    target = line.split()[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_its_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    known = {}
    for body in PYTHON:
        exec(compile(body, "README.md", "exec"), known)  # noqa: S102 - the README's own code
    assert "equipment_malfunction" in capsys.readouterr().out
    assert PYTHON


def test_what_it_points_to_is_there():
    for place in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / place).exists(), place


def test_the_two_commands_come_first():
    first = next(body for language, body in BLOCKS if not language)
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make demo", "make test"]
