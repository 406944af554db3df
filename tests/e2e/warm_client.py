"""``warm_client.py SOCKET WORD ...`` hands itself over to a warm Python (``warm.py``), and ends as the fork there ends.

It is started without ``site``, and takes the modules below the usual ones, to be there in a hundredth of a second.
"""

import os
import sys
from _signal import SIG_DFL, SIGINT, signal  # type: ignore[import-not-found]
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket

signal(SIGINT, SIG_DFL)  # it ends without a word: what there is to say, the fork says
place, *words = sys.argv[1:]
variables = [name + b"=" + value for name, value in os.environb.items()]
parts = [os.getcwdb(), b"%d" % len(words), *map(os.fsencode, words), *variables]  # noqa: PTH109  # pathlib takes longer than all of this
request = b"\0".join(parts)
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))

warm = socket(AF_UNIX, SOCK_STREAM)
warm.connect(place)
warm.sendmsg([b"%8d" % len(request)], [(SOL_SOCKET, SCM_RIGHTS, streams)])
warm.sendall(request)
code = int(warm.recv(8) or b"1")
if code < 0:
    os.kill(os.getpid(), -code)
os._exit(code)
