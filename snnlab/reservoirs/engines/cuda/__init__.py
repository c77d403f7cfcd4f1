"""The native engine's sibling on CUDA, for replays and sweeps. Only its ``engine`` is imported without a device."""
