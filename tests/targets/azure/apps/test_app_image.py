"""The size of an image against the limit of container apps: asked of its registry, for an image that is new."""

from __future__ import annotations

import json
from typing import Any, Self

import pytest

from aciml.core.credentials import Credentials
from aciml.core.errors import OutageError
from aciml.model.group import Group
from aciml.model.rules import group_of
from aciml.registry.transport import Transport
from aciml.targets.azure.apps import image
from aciml.targets.local.ports import free_port
from tests.targets.azure.apps.app_samples import BASE, IMAGE


class Manifest:
    """The answer of a registry."""

    def __init__(self, *sizes: int) -> None:
        self.body = json.dumps({"layers": [{"size": size} for size in sizes]}).encode()


class Registry:
    """Answers with a manifest, or with an error."""

    answer: Any = None
    asked: list[str] = []  # noqa: RUF012 - one for all, on purpose

    def __init__(self, host: str, credentials: Credentials, **_: Any) -> None:
        self.host = host

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def manifest(self, repository: str, digest: str) -> Any:
        self.asked.append(f"{self.host}/{repository}@{digest}")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> type[Registry]:
    monkeypatch.setattr(image, "RegistryClient", Registry)
    monkeypatch.setattr(Registry, "asked", [])
    return Registry


def said(old: Group | None = None, **changes: Any) -> list[str]:
    new = group_of({**BASE, **changes})
    return [f"{one.where}: {one.why}" for one in image.judge(old, new, lambda _: Credentials(), None)]


def test_an_image_above_the_limit_is_told_with_both_numbers(
    registry: type[Registry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "answer", Manifest(5_000_000_000, 3_200_000_000))

    (told,) = said()
    assert told.startswith("image: the image has 8.2 GB of layers, and a container app starts images up to 8 GB")
    assert registry.asked == [f"{IMAGE.partition(':')[0]}@{IMAGE.rpartition('@')[2]}"]


@pytest.mark.parametrize("answer", [Manifest(8_000_000_000), None, OutageError("nobody answers")])
def test_one_that_fits_or_is_not_known_is_not_judged(
    registry: type[Registry], monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(registry, "answer", answer)

    assert said() == []


def test_a_registry_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    again: list[Any] = []
    monkeypatch.setattr(Transport, "pause", lambda _, error, *__: again.append(error))

    assert said(image=f"127.0.0.1:{free_port()}/a@{IMAGE.rpartition('@')[2]}") == []
    assert again == []


def test_one_that_is_there_already_is_not_asked_for(registry: type[Registry]) -> None:
    assert said(group_of(BASE)) == []
    assert said(image="registry.example/a:1") == []
    assert registry.asked == []
