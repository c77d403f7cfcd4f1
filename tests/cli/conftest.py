import logging
import sys
import threading
from dataclasses import dataclass

import pytest
import structlog

from snnlab import logs
from snnlab.cli import main


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def log_of_pytest():
    """Commands set up the log of their process, which here is that of the tests."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook, logs._Here.replica
    yield
    root.handlers[:], level, sys.excepthook, threading.excepthook, logs._Here.replica = before
    root.setLevel(level)
    logging.getLogger("snnlab").setLevel(logging.NOTSET)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def snnlab(capsys):
    """Runs a command in this process, and gives its exit code and what it wrote."""

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        code = left.value.code or 0
        told = capsys.readouterr()
        return Done(code, told.out, told.err)

    return run


@pytest.fixture
def refused(snnlab):
    """Runs a command that has to be refused: exit code 2, one sentence on standard error, no traceback."""

    def run(*arguments):
        done = snnlab(*arguments)
        assert done.code == 2, done
        assert "Traceback" not in done.err
        assert done.err.strip()
        return done.err

    return run


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Events of two days of a generated world, as files."""
    folder = tmp_path_factory.mktemp("files")
    for name, arguments in {
        "train.csv": ["--seed", "3", "--events", "3000"],
        "test.csv": ["--seed", "4", "--world", "3", "--events", "1500"],
        "test.csv.gz": ["--seed", "4", "--world", "3", "--events", "1500"],
        "test.parquet": ["--seed", "4", "--world", "3", "--events", "1500"],
    }.items():
        with pytest.raises(SystemExit) as left:
            main(["data", "generate", "security", *arguments, "--out", str(folder / name)])
        assert not left.value.code
    return folder
