"""Starts the scoring server: ``python /opt/aciml/server/run.py``; and, for it, its workers.

The server's folder goes to the end of ``sys.path``, so that it never hides a package of the user.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
if sys.path and os.path.abspath(sys.path[0]) == _HERE:  # Python puts the folder of the program in front
    del sys.path[0]
sys.path.append(_HERE)
# beside a Python that the image brings itself: last, so that whatever the image has of these is taken from there
_NEEDS = os.path.join(os.path.dirname(_HERE), "needs")
if os.path.isdir(_NEEDS):
    sys.path.append(_NEEDS)


def _main() -> int:
    if sys.argv[1:2] in (["--worker"], ["--nursery"]):
        # each role imports its own half: no worker has the parser
        # of HTTP in memory, and the front nothing of the contract
        from aciml_server.settings import Settings

        # taken out, because the script and all that it starts inherit what is left
        settings = Settings.from_json(os.environ.pop("ACIML_WORKER_SETTINGS"))
        if sys.argv[1] == "--worker":
            from aciml_server.worker.main import main as work
        else:
            from aciml_server.worker.nursery import main as work
        given = sys.argv[2:]
        del sys.argv[1:]  # the script's, if it looks, as v1 leaves them
        return work(settings, *given)
    from aciml_server.front.main import main

    return main()


if __name__ == "__main__":
    code = _main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # what user code left running must not keep the process
