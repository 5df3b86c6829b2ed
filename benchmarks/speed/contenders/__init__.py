"""One file a contender. Each has NAME, VERSION, `variants(workload)` and a class `Trainer(workload, variant)`:

    restart()                          first weights, optimizer at rest, thread count set (not timed)
    train(epochs, orders, record)      the losses, averaged over each epoch where `record` asks for them
    predict(X) -> (n, K)               probabilities, from a NumPy array to a NumPy array

`orders` are given for the check alone; without them the contender shuffles for itself, and full batches not at all.
A variant is a setting that the benchmark tries before it takes the fastest.
"""

import os

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def thread_counts() -> list[int]:
    """One thread and all cores."""
    return sorted({1, CORES})


def threads_text(count: int) -> str:
    """'1 thread', '2 threads'."""
    return f"{count} thread{'s' if count > 1 else ''}"
