"""The scoring server: loads a script with ``init()`` and ``run(raw_data)`` and answers HTTP requests with it.

Copied into images as it is; Python 3.8 to 3.14; nothing of the provider is imported. Two kinds of processes:

- the **front** (``front/``) holds the sockets, speaks HTTP, keeps limits, keys and books, and runs no code of the user,
  so that nothing which a script does can keep it from answering;
- **workers** (``worker/``) import the script and call it (``contract/``, which knows nothing of HTTP).

They exchange frames (``wire``). httptools parses HTTP; uvloop and orjson are used where they are installed.
"""

import os

__version__ = os.environ.get("ACIML_VERSION") or "unknown"
"""That of the tool that made the image or started the server, which says it: it is written nowhere else."""
