"""What `make gdb` and `make debug` load into gdb; by hand: `source grading/gdb/load.py`.

Brings the commands of helpers/commands.py (`help user-defined` lists them) and lets `bt` cross the entry code.
"""

import sys
from pathlib import Path

_here = Path(__file__).resolve().parent
sys.path[:0] = [str(_here), str(_here.parent)]

import helpers  # noqa: E402  (its path is set just above)

helpers.install()
