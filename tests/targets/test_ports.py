"""A port that nobody listens at may be lent to a connection; only who keeps it is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from aciml.targets.local import ports
from aciml.targets.local.ports import HOST, PortTaken, require_free_port


class Pause:
    """Counts the pauses, and gives the port back in one of them."""

    def __init__(self, lent: socket.socket, last: int) -> None:
        self.lent, self.last, self.count = lent, last, 0

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.count += 1
        if self.count == self.last:
            self.lent.close()


@pytest.fixture
def lent() -> Iterator[socket.socket]:
    with socket.socket() as found:
        found.bind((HOST, 0))
        yield found


def engine() -> Mock:
    return Mock(**{"api.containers.return_value": []})


def test_a_port_that_is_given_back_is_free(lent: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    port, pause = lent.getsockname()[1], Pause(lent, 3)
    monkeypatch.setattr(ports, "_PAUSE", pause)

    require_free_port(engine(), port)

    assert pause.count == 3


def test_a_port_that_somebody_keeps_is_taken(lent: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_PAUSE", Pause(lent, 1_000))

    with pytest.raises(PortTaken, match=f"port {lent.getsockname()[1]} on 127.0.0.1 is in use by another program"):
        require_free_port(engine(), lent.getsockname()[1])


def test_who_listens_is_told_at_once(lent: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    lent.listen()
    pause = Pause(lent, 1)
    monkeypatch.setattr(ports, "_PAUSE", pause)

    with pytest.raises(PortTaken):
        require_free_port(engine(), lent.getsockname()[1])
    assert pause.count == 0
