"""Python in a process of its own with little memory, for what must be refused before it is held."""

import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
GIGABYTES = 3


def confined(code: str, *arguments: object, what: int = resource.RLIMIT_AS, **environment: str) -> str:
    """What `code` prints in a child with 3 GB, killed after three minutes; its `sys.argv[1:]` are the arguments.

    what: RLIMIT_AS counts every address, RLIMIT_DATA leaves out files that are mapped, as the weights of a model are.
    """

    def limit() -> None:
        resource.setrlimit(what, (GIGABYTES * 10**9, GIGABYTES * 10**9))

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"} | environment,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
