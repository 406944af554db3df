"""The scoring server: loads a script with ``init()`` and ``run(raw_data)`` and answers HTTP requests with it.

Copied into images as it is. Standard library only, Python 3.8 to 3.13; nothing of the provider is imported. Parts:
``contract`` (script in, answers out; knows nothing of HTTP), ``runner`` (one thread calls ``run``), ``http_front``
(the only module that speaks HTTP), ``service`` (puts them together).
"""

__version__ = "0.1.0"
