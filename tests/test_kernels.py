"""What kernels are compiled for."""

from numba import config

from snnlab.kernels import instructions
from snnlab.reservoirs.engines.native.delivery import expands

WIDE = "avx512f", "avx512bw", "avx512vbmi2"


def test_kernels_follow_the_instruction_sets_that_numba_compiles_for(monkeypatch):
    monkeypatch.setattr(config, "CPU_FEATURES", "+avx2, +fma,-avx512f")
    assert instructions() == {"avx2", "fma"}
    assert not expands.__wrapped__()
    monkeypatch.setattr(config, "CPU_FEATURES", ",".join(f"+{name}" for name in WIDE))
    assert expands.__wrapped__()
    monkeypatch.setattr(config, "CPU_FEATURES", "")  # of a processor that is called generic
    assert instructions() == set()
