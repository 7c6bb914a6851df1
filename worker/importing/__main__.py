"""`python -m worker.importing`: make a data set of a file of images. See program.py."""

import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read as NumPy is imported; its threads would stay outside of the lock

from worker.importing.program import main

if __name__ == "__main__":
    sys.exit(main())
