"""Starts the scoring server: ``python /opt/aciml/server/run.py``.

The server's folder goes to the end of ``sys.path``, so that it never hides a package of the user.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
if sys.path and os.path.abspath(sys.path[0]) == _HERE:  # Python puts the folder of the program in front
    del sys.path[0]
sys.path.append(_HERE)

from aciml_server.service import main  # noqa: E402  # needs the path above

if __name__ == "__main__":
    sys.exit(main())
