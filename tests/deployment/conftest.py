import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from snnlab.serving.metric_names import HELP

ROOT = Path(__file__).parents[2]
BENTO = ROOT / "bentos" / "neuromorphic"


def _metrics_of(expr):
    """The service's metrics that a query names; what a histogram is made of counts as the histogram."""
    found = set(re.findall(r"neuromorphic_\w+", expr))
    return {name if name in HELP else re.sub(r"_(bucket|sum|count)$", "", name) for name in found}


@pytest.fixture(scope="session")
def bento():
    """The folder of the Bento's recipe and of all that deploys it."""
    return BENTO


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def metrics_of():
    return _metrics_of


@pytest.fixture(scope="session")
def documents():
    """The documents of YAML files, by file."""

    def read(*files):
        return {file: [one for one in yaml.safe_load_all(file.read_text()) if one] for file in files}

    return read


@pytest.fixture(scope="session")
def promtool():
    """Runs promtool, of Debian's package; gives what it said, and fails where it does."""
    from snnlab.services import debian

    if (why := debian.missing()) and os.environ.get("CI") != "true":
        pytest.skip(f"promtool cannot be had: {why}")
    program = debian.unpacked("prometheus") / "usr" / "bin" / "promtool"

    def run(*words, cwd):
        done = subprocess.run([program, *words], cwd=cwd, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def environment_read():
    """Names of the environment that the service and the pipelines read."""
    import importlib
    import pkgutil

    from pydantic_settings import BaseSettings

    import snnlab.serving
    import snnlab.stores.ignite.address
    import snnlab.streams.pulsar.address

    for module in pkgutil.walk_packages(snnlab.serving.__path__, "snnlab.serving."):
        importlib.import_module(module.name)
    names = {"BENTOML_HOME", "NUMBA_CACHE_DIR", "MLFLOW_TRACKING_URI"}
    for settings in BaseSettings.__subclasses__():
        if settings.__module__.startswith("snnlab."):
            prefix = settings.model_config["env_prefix"]
            names |= {
                field.validation_alias or f"{prefix}{name}".upper() for name, field in settings.model_fields.items()
            }
    for path in (ROOT / "snnlab").rglob("*.py"):
        names |= set(re.findall(r'environ(?:\.get\(|\[)"(SNNLAB_\w+)"', path.read_text()))
    return names
