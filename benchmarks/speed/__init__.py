"""How fast is glassnet beside PyTorch, JAX and scikit-learn? `python -m benchmarks.speed` tells.

workloads.py    what is computed: networks, data, first weights
contenders/     who computes it: one file each, at its best settings, with the reasons
processes.py    every contender lives in a process of its own; only one works at a time
check.py        first of all: do they compute the same numbers?
timing.py       interleaved rounds, paired ratios
peak.py         what the processor could do: multiply-adds in registers
rows.py         the table of workloads
further.py      start-up, cost against work, time to a fixed loss
report.py       terminal, Markdown, JSON
"""
