import sys

from neuronxa_core.cli import main

sys.exit(main(program="python -m neuronxa_core"))
