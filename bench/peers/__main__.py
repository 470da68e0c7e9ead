"""python -m bench.peers: one cell in a process of its own; JSON on stdin, JSON on stdout."""

import contextlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from bench.peers.confinement import confine


def main() -> None:
    """Answer a request of ``bench.peers.process``.

    Threads are settled before torch and JAX are imported: they count the cores once.
    """
    request = json.load(sys.stdin)
    device, threads, process = (request[name] for name in ("device", "threads", "process"))
    confined = device != "cpu" or confine(threads, process)
    import torch

    from bench.peers import worker
    from gan.run import Run

    torch.set_num_threads(threads)
    data_dir = Path(request["data_dir"]) if request["data_dir"] else None
    unfair = "this system can't keep a process to some cores: JAX would use them all"
    refused = {} if confined else dict.fromkeys(("jax", "jax_vmap"), unfair)
    # What a compiler prints is not the answer.
    with contextlib.redirect_stdout(sys.stderr):
        found = worker.found(Run(**request["run"]), data_dir, process, refused)
    json.dump(asdict(found), sys.stdout)


if __name__ == "__main__":
    main()
