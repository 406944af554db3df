"""Begins as root where a port below 1024 needs that, and becomes the service's user before anything else runs.

``python -I -S unprivileged.py COMMAND...``: ``ACIML_USER`` says whom (``uid:gid``). What root alone can do comes first:
the sockets of such ports are bound (the server listens on them when it is ready), files with keys and certificates that
the user cannot read are copied where nobody else can read them, and volumes that are root's become the user's. Then all
capabilities go, of this process and of all that it starts, and no program can bring one back (capabilities(7),
prctl(2)). Who is not root changes nothing.
"""

import contextlib
import os
import signal
import socket
import stat
import sys
from typing import Callable

_PRIVILEGED = 1024  # ip(7): net.ipv4.ip_unprivileged_port_start, if nobody changed it
_PORTS = (("ACIML_PORT", "SERVER_PORT"), ("ACIML_HEALTH_PORT", "HEALTH_PORT"))
_FILES = ("ACIML_TLS_CERT", "ACIML_TLS_KEY", "ACIML_TLS_CLIENT_CA", "ACIML_KEYS_FILE")
_MEMORY = "/dev/shm"  # noqa: S108  # the folder in it is made for this user alone
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/run/secrets")
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38  # linux/prctl.h
_CAPABILITIES = 64  # as many bits as the kernel has for them


def start(command: "list[str]") -> None:
    """Become the command; never returns."""
    user = os.environ.pop("ACIML_USER", "")
    if user and os.geteuid() == 0:
        uid, gid = (int(number) for number in user.split(":"))
        sockets = [one for names in _PORTS for one in _bound(names)]
        if sockets:
            os.environ["ACIML_SOCKETS"] = ",".join(sockets)
        for name in _FILES:
            _make_readable(name, uid, gid)
        for folder in _volumes():
            with contextlib.suppress(OSError):  # a share knows no owners, and lets everybody in
                os.chown(folder, uid, gid)
        become(uid, gid)
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores these, and what is started would inherit that
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606  # a start is what this is
    except OSError as error:
        sys.exit("%s cannot be started: %s" % (command[0], error.strerror))


def become(uid: int, gid: int) -> None:
    """Become a user who has no capability, and can get none."""
    prctl = _prctl()
    for number in range(_CAPABILITIES):
        prctl(_PR_CAPBSET_DROP, number)  # those that the kernel does not know are refused, which is fine
    for descriptor in (0, 1, 2):  # scripts open /dev/stdout, which is the file of whoever made it
        with contextlib.suppress(OSError):
            os.fchown(descriptor, uid, gid)
    try:
        os.setgroups([gid])
        os.setgid(gid)
        os.setuid(uid)  # from root: the permitted capabilities go with it
    except OSError as error:
        sys.exit("cannot become user %d: %s; run_as_root: true runs the service as root" % (uid, error.strerror))
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if os.environ.get("HOME", "/root") == "/root":
        with contextlib.suppress(ImportError, KeyError):
            import pwd

            os.environ["HOME"] = pwd.getpwuid(uid).pw_dir


def _prctl() -> "Callable[[int, int], int]":
    try:
        import ctypes
    except ImportError:  # an interpreter without libffi; becoming the user is what counts
        return lambda *_: -1
    libc = ctypes.CDLL(None)
    return lambda option, value: int(libc.prctl(option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3))


def _bound(names: "tuple[str, str]") -> "list[str]":
    """Bind the port that the variables say, if root alone surely may; the answer is ``port:descriptor``."""
    said = os.environ.get(names[0]) or os.environ.get(names[1]) or ""
    port = int(said) if said.isdigit() else 0
    if not 0 < port < _PRIVILEGED:
        return []
    host = os.environ.get("ACIML_HOST") or "0.0.0.0"  # noqa: S104  # a container's port is opened by its host
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:  # the server tries again, and tells it with the port
        sock.close()
        return []
    os.set_inheritable(sock.fileno(), True)
    return ["%d:%d" % (port, sock.detach())]


def _volumes() -> "list[str]":
    """Return the volumes in which root alone may write: an empty one belongs to root until somebody gives it away."""
    found = []
    with contextlib.suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as stream:
        for line in stream:
            # proc(5): the fifth field is the place, the sixth its options; blanks in a place are octal
            place, options = line.split()[4:6]
            place = place.replace("\\040", " ")
            ours = place == "/" or place.startswith(_SYSTEM)
            if ours or "rw" not in options.split(",") or not os.path.isdir(place):
                continue
            facts = os.stat(place)
            if facts.st_uid == 0 and not facts.st_mode & stat.S_IWOTH:
                found.append(place)
    return found


def _make_readable(name: str, uid: int, gid: int) -> None:
    """Copy a file that the user may not read to a folder in memory that only he may enter, and name that instead."""
    path = os.environ.get(name)
    try:
        facts = os.stat(path or "")
        bits = (facts.st_uid == uid and stat.S_IRUSR) or (facts.st_gid == gid and stat.S_IRGRP) or stat.S_IROTH
        if facts.st_mode & bits:
            return
        with open(path or "", "rb") as stream:
            content = stream.read()
        folder = os.path.join(_MEMORY, "aciml-%d" % uid)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        copy = os.path.join(folder, name.lower())
        with open(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o400), "wb") as stream:
            stream.write(content)
        os.chown(copy, uid, gid)
        os.chown(folder, uid, gid)
    except OSError:
        return  # the server says which file it cannot read
    os.environ[name] = copy


if __name__ == "__main__":
    start(sys.argv[1:] or [sys.executable])
