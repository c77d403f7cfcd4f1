"""Benchmarks: figures with names, each beside a peer that was measured in the same run.

One file a benchmark, each with a ``run`` that returns rows; ``timing`` says how time is taken, ``rows`` how results are
printed and written, ``workload`` what is measured on, ``peers`` what stands beside it.
"""
