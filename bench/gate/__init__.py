"""What the regression gate runs of one revision: cells, exact counters, traces, timed blocks.

The gate itself is ``analysis.gate``. It starts ``bench.gate.worker`` of the newer revision on the
``gan`` of either, so both are measured by the same lines.
"""
