"""A lean class is a frozen dataclass in all that people ask of one."""

from __future__ import annotations

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace
from typing import Any, ClassVar

import pytest

from aciml.core.lean import lean


@lean(frozen=True, kw_only=True)
class Lean:
    """The same fields twice, once made by us."""

    name: str
    count: int = 1
    rows: dict[str, int] = field(default_factory=dict)
    where: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Full:
    """And once by dataclass."""

    name: str
    count: int = 1
    rows: dict[str, int] = field(default_factory=dict)
    where: str = field(default="", compare=False, repr=False)


@lean(frozen=True, kw_only=True)
class More(Lean):
    """One that adds a field."""

    more: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.more) > 2:
            raise ValueError("too many")


@dataclass(frozen=True)
class Plain(Lean):
    """One that dataclass makes of a lean one."""

    last: int = 0


def test_it_is_a_dataclass_with_the_same_fields() -> None:
    def facts(cls: type) -> list[tuple[object, ...]]:
        return [(one.name, one.default, one.compare, one.repr, one.kw_only) for one in fields(cls)]

    assert is_dataclass(Lean)
    assert facts(Lean) == facts(Full)


def test_values_are_compared_hashed_and_shown_as_those_of_dataclass() -> None:
    one, same, other = Lean(name="a", where="x"), Lean(name="a", where="y"), Lean(name="b")

    assert one == same
    assert one != other
    assert one.__eq__(Full(name="a")) is NotImplemented
    assert repr(one) == repr(Full(name="a")).replace("Full", "Lean")
    assert hash(More(name="a", rows=None)) == hash(More(name="a", rows=None, where="z"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_each_value_has_a_default_of_its_own_where_a_factory_makes_it() -> None:
    assert Lean(name="a").rows is not Lean(name="a").rows


def test_it_is_frozen_and_replaced() -> None:
    one = Lean(name="a")
    with pytest.raises(FrozenInstanceError):
        one.name = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del one.name

    assert replace(one, name="b") == Lean(name="b")


@pytest.mark.parametrize("cls", [Lean, Full])
def test_a_strange_name_and_a_missing_one_are_type_errors(cls: type) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'nam'"):
        cls(name="a", nam="b")
    with pytest.raises(TypeError, match=r"missing .*'name'"):
        cls(count=2)
    with pytest.raises(TypeError, match="'strange'"):
        cls(count=2, strange=3)
    with pytest.raises(TypeError):
        cls("a")


def test_what_inherits_has_all_fields_and_is_asked_after_it_is_made() -> None:
    assert More(name="a", more=(1,)) == More(more=(1,), name="a")
    assert More(name="a") != Lean(name="a")
    with pytest.raises(ValueError, match="too many"):
        More(name="a", more=(1, 2, 3))


@lean(frozen=True, kw_only=True)
class Other(More):
    """One with another default of a field above, one without a default any more, and what is no field."""

    kinds: ClassVar[tuple[str, ...]] = ("a",)
    count: int = 7
    rows: dict[str, int] = field(repr=False)


def test_what_inherits_may_say_otherwise_of_a_field() -> None:
    assert [one.name for one in fields(Other)] == ["name", "count", "rows", "where", "more"]
    assert (Other.kinds, Other.count, Other(name="a", rows={}).count) == (("a",), 7, 7)
    assert "rows" not in vars(Other)
    assert "rows" not in repr(Other(name="a", rows={}))
    with pytest.raises(TypeError, match=r"missing .*'rows'"):
        Other(name="a")  # type: ignore[call-arg]
    assert More(name="a").count == 1


def test_a_class_that_is_none_itself_may_set_what_is_no_field() -> None:
    class Loose(Lean):
        """Inherits, and nothing else."""

    one = Loose(name="a")
    one.seen = True  # type: ignore[attr-defined]

    with pytest.raises(FrozenInstanceError):
        one.name = "b"  # type: ignore[misc]
    del one.seen  # type: ignore[attr-defined]
    assert not hasattr(one, "seen")


def test_a_class_with_a_way_of_its_own_to_set_attributes_is_refused() -> None:
    class Own:
        def __setattr__(self, name: str, value: object) -> None: ...

    with pytest.raises(TypeError, match="frozen"):
        lean(frozen=True)(Own)


def test_dataclass_can_go_on_from_it() -> None:
    assert Plain(name="a", last=2) == replace(Plain(name="a"), last=2)


def test_other_words_are_refused() -> None:
    with pytest.raises(TypeError, match="frozen"):
        lean(frozen=False, kw_only=True)


@lean(frozen=True)
class Placed:
    """One whose arguments have places."""

    name: str
    count: int = 1
    rows: list[int] = field(default_factory=list, kw_only=True)


def test_arguments_may_have_places() -> None:
    assert Placed("a", 2) == Placed(count=2, name="a")
    match Placed("a", 2):
        case Placed(name, count):
            assert (name, count) == ("a", 2)
    with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
        Placed("a", 2, [])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="multiple values for argument 'name'"):
        Placed("a", name="b")  # type: ignore[misc]


def test_a_class_is_made_once_by_whoever_comes_first() -> None:
    def fresh() -> type:
        @lean(frozen=True)
        class Fresh:
            name: str
            rows: list[int] = field(default_factory=list)

        return Fresh

    for _ in range(50):
        cls, begin = fresh(), threading.Barrier(8)

        def use(number: int, cls: Any = cls, begin: threading.Barrier = begin) -> Any:
            begin.wait()
            return cls(str(number)) if number % 2 else [one.name for one in fields(cls)]

        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(use, range(8)))
        assert made[1] == cls("1")
        assert made[0] == ["name", "rows"]


def test_what_is_copied_and_kept_is_the_same() -> None:
    one = More(name="a", more=(1,))

    assert copy.deepcopy(one) == one
    assert pickle.loads(pickle.dumps(one)) == one


def test_a_field_that_is_not_given_is_refused() -> None:
    @lean(frozen=True)
    class Counted:
        count: int = field(default=0, init=False)

    with pytest.raises(TypeError, match="not given"):
        Counted()
