import sys

from neuronxa_core.cli import main

sys.exit(main())
