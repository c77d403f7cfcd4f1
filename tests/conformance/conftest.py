"""Engines by name: one whose package or device is not on this machine skips the test, and says why."""

import pytest

from snnlab.errors import ConfigError, EngineMissing
from snnlab.reservoirs import engine
from snnlab.reservoirs.engines import installed


def _made(name, **options):
    if name not in installed():
        pytest.skip(f"{name} is not installed: pip install 'snnlab[research]'")
    try:
        return engine(name, **options)
    except EngineMissing as error:
        pytest.skip(str(error))
    except ConfigError as error:
        if "sees 0 CUDA devices" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def made():
    """Makes an engine: ``made(name, **options)``."""
    return _made
