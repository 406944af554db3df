"""Log lines: ``2026-01-31 12:00:00,123 I [7] aciml.access - POST /score 200 1.234ms 17``, in UTC, on stderr; or JSON.

``AZUREML_LOG_LEVEL`` sets the level. With ``ACIML_LOG_FORMAT=json`` each line is an object: what is logged (a traceback
is inside its object), each access, and each line that user code prints, which has the name of its ``stream``.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import time
from contextvars import ContextVar
from typing import Any, Callable, Dict, Mapping, Union

from . import records
from .printed import Lines
from .settings import Settings
from .sheet import Sheet

# v1's form of a line, so that what reads the logs of its server can read these
_TEXT = "%(asctime)s %(letter)s [%(process)d] %(name)s - %(message)s%(request)s"
_OWN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None)))
_OWN |= {"message", "asctime", "letter", "request", "taskName"}
_LOG = logging.getLogger("aciml")

sheet = Sheet(2)
"""The front's stderr: its log lines and those of the access log, in order."""
call: "ContextVar[Union[Mapping[str, str], bytes]]" = ContextVar("call", default={})  # noqa: B039  # never changed
"""In a worker: the headers of the request that is being answered, if the front sent them, or its id alone, as bytes."""


def configure(settings: Settings) -> None:
    """Set up the front: everything goes to ``sheet``."""
    handler: logging.Handler = _SheetHandler()
    _install(settings, handler)
    if _is_json(settings):
        # what Python itself writes there, such as a warning or a thread's traceback, is an object then, too
        sys.stderr = Lines(sys.stderr, _printer("stderr", 2), echo=False)


def configure_worker(settings: Settings) -> None:
    """Set up a worker: log lines to stderr, ``print()`` line by line as it is; JSON wraps both.

    ``logging.json`` has the last word.
    """
    fd = os.environ.pop(records.VARIABLE, "")
    told = records.Sender(int(fd)) if fd else None
    out, err = sys.stdout, sys.stderr
    for stream in (out, err):  # before Python 3.9 a stderr that is a pipe waits for more, too
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    _install(settings, logging.StreamHandler(err))
    if told is not None:
        logging.getLogger().addHandler(_RecordHandler(told))
    if _is_json(settings) or told is not None:
        for name, stream, number in (("stdout", out, 1), ("stderr", err, 2)):
            if stream is not None:
                emits = [_printer(name, number)] if _is_json(settings) else []
                if told is not None:
                    emits.append(_teller(name, told))
                setattr(sys, name, Lines(stream, *emits, echo=not _is_json(settings)))
    _replace(settings)
    _hold_loggers()


def is_enabled(name: str) -> bool:
    """Tell if lines of level INFO are wanted from a logger."""
    return logging.getLogger(name).isEnabledFor(logging.INFO)


def say(name: str, level: str, message: str) -> None:
    """Log a line as the front."""
    logging.getLogger(name).log(int(logging.getLevelName(level)), message)


def _install(settings: Settings, handler: logging.Handler) -> None:
    handler.setFormatter(_JsonFormatter() if _is_json(settings) else _Formatter(_TEXT))
    level = settings.log_level.strip().upper()
    # for a name that it does not know it returns a text, "Level NAME", instead of raising (docs of `logging`)
    known = isinstance(logging.getLevelName(level), int)
    root = logging.getLogger()
    # not `basicConfig`, which does nothing if something else has added a handler already
    root.handlers[:] = [handler]
    root.setLevel(level if known else "INFO")
    if not known:
        _LOG.warning("AZUREML_LOG_LEVEL is %r, which is no level of logging; it is INFO now", settings.log_level)


def _is_json(settings: Settings) -> bool:
    return settings.log_format.strip().lower() == "json"


def _replace(settings: Settings) -> None:
    """Let ``logging.json``, in the app's root or beside the script, replace this, as in v1."""
    script = os.path.join(settings.app_root, settings.entry_script)
    source = os.path.join(settings.app_root, settings.source_directory)
    for folder in dict.fromkeys((settings.app_root, os.path.dirname(script), source)):
        path = os.path.join(folder, "logging.json")
        if not os.path.isfile(path):
            continue
        # only for who has such a file: it brings the servers of `socketserver` along
        import logging.config

        try:
            with open(path, encoding="utf-8") as file:
                logging.config.dictConfig(json.load(file))
        except Exception as error:  # noqa: BLE001  # handlers of the user's may raise anything
            _LOG.warning("%s does not configure logging, and is left out: %s", path, error)
        return


class _Held(logging.Logger):
    """A logger that no configuration disables: errors of ``run()`` must be seen, whatever a script's own forgets."""

    @property
    def disabled(self) -> bool:
        return False

    @disabled.setter
    def disabled(self, value: bool) -> None:
        pass  # `dictConfig` disables all that it does not name, unless it is told otherwise

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # the name that `logging` calls
        """Tell if a line of this level is written: an error is, also after ``logging.disable``."""
        return level >= self.getEffectiveLevel() if level >= logging.ERROR else super().isEnabledFor(level)


def _hold_loggers() -> None:
    """Let our loggers speak after any ``dictConfig`` of the script, and to stderr if it leaves no handler at all."""
    # a level of their own: that of the root may become anything
    _LOG.setLevel(logging.getLogger().level)
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] == "aciml":
            logging.getLogger(name).__class__ = _Held
    logging.lastResort = logging.StreamHandler(sys.stderr)
    logging.lastResort.setFormatter(_Formatter(_TEXT))


# formats


class _Formatter(logging.Formatter):
    # UTC, as v1: lines of containers in several regions can be put in one order
    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        record.letter = record.levelname[:1]
        found = _headers().get("x-request-id")
        record.request = " (request %s)" % found if found else ""
        return super().format(record)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        found: Dict[str, Any] = {
            "time": timestamp(record.created),
            "level": record.levelname,
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        found.update(ids())
        found.update((name, value) for name, value in vars(record).items() if name not in _OWN and name not in found)
        return to_line(found)


def _headers() -> Mapping[str, str]:
    found = call.get()
    # read here and not for each request: most scripts log nothing
    return found if not isinstance(found, bytes) else {"x-request-id": found.decode("latin-1")} if found else {}


def ids() -> Dict[str, str]:
    """Return what a line has to say of the request that is being answered."""
    headers = _headers()
    found = {}
    if "x-request-id" in headers:
        found["request_id"] = headers["x-request-id"]
    parts = headers.get("traceparent", "").split("-")
    if len(parts) >= 4:
        found["trace_id"], found["span_id"] = parts[1:3]
    return found


def to_line(found: Mapping[str, Any]) -> str:
    """Write an object on one line; what is no JSON is written as text."""
    # `extra=` may carry anything, and a log line must not raise where the script's own work went well
    return json.dumps(found, default=str)


def timestamp(seconds: float) -> str:
    """Write a time of the epoch as RFC 3339, in UTC with milliseconds."""
    # cut to milliseconds first: a fraction of .9996 that is rounded by itself would become .1000
    whole, part = divmod(int(seconds * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + ".%03dZ" % part


# where lines go


class _SheetHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            # a file name that is no UTF-8 becomes lone surrogates, which cannot be encoded; the line is more important
            sheet.line((self.format(record) + "\n").encode("utf-8", "backslashreplace"))
        except Exception:  # noqa: BLE001  # as all handlers do
            self.handleError(record)


class _RecordHandler(logging.Handler):
    """Tells the front, which sends it on."""

    def __init__(self, told: records.Sender) -> None:
        super().__init__()
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._told.send(record_of(record))
        except Exception:  # noqa: BLE001  # as all handlers do
            self.handleError(record)


def record_of(record: logging.LogRecord) -> Dict[str, Any]:
    """Return a log record as the JSON that ``records`` carries."""
    found: Dict[str, Any] = {
        "time": record.created,
        "level": record.levelno,
        "logger": record.name,
        "message": record.getMessage(),
        **ids(),
    }
    if record.exc_info and record.exc_info[0] is not None:
        stack = logging.Formatter().formatException(record.exc_info)
        kind = record.exc_info[0]
        found["exception"] = ["%s.%s" % (kind.__module__, kind.__qualname__), str(record.exc_info[1]), stack]
    return found


def _printer(stream: str, fd: int) -> Callable[[str], None]:
    def emit(text: str) -> None:
        found = {"time": timestamp(time.time()), "stream": stream, "pid": os.getpid(), "message": text, **ids()}
        # past the buffers, a line a write: lines of several workers in one pipe stay whole up to its PIPE_BUF (pipe(7))
        write_all(fd, (to_line(found) + "\n").encode("utf-8", "backslashreplace"))

    return emit


def _teller(stream: str, told: records.Sender) -> Callable[[str], None]:
    level = logging.INFO if stream == "stdout" else logging.ERROR

    def emit(text: str) -> None:
        told.send({"time": time.time(), "level": level, "logger": "print." + stream, "message": text, **ids()})

    return emit


def write_all(fd: int, data: bytes) -> None:
    """Write to a file descriptor that may take less at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
