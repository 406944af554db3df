"""Settings from variables and from config.json, and what is said of wrong ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from aciml_server.settings import TABLE, Settings

from .conftest import Serve
from .raw import ECHO


def taken(folder: Path, config: object = None, **environ: str) -> Settings:
    if config is not None:
        (folder / "named.json").write_text(json.dumps(config), encoding="utf-8")
        environ.setdefault("AZUREML_CONFIG_FILE", str(folder / "named.json"))
    return Settings.take({"AML_APP_ROOT": str(folder), **environ})


def test_no_variable_and_no_key_of_the_file_means_two_settings() -> None:
    keys = [key for name, one in TABLE.items() for key in {key.lower() for key in (name, *one.variables, *one.v1)}]

    assert len(keys) == len(set(keys))
    assert all(one.doc and one.variables for one in TABLE.values())


def test_variables_win_over_the_file_and_the_file_over_what_is_usual(tmp_path: Path) -> None:
    config = {"SCORING_TIMEOUT_MS": 5, "WORKER_COUNT": 2, "max_body": 7}
    found = taken(tmp_path, config, SCORING_TIMEOUT_MS="9")

    assert (found.scoring_timeout_ms, found.workers, found.max_body) == (9, 2, 7)
    assert found.service_name == "ML service"


@pytest.mark.parametrize(
    ("config", "name", "expected"),
    [
        ({"AML_CORS_ORIGINS": "a, b"}, "cors_origins", ("a", "b")),
        ({"cors_origins": ["a", "b"]}, "cors_origins", ("a", "b")),
        ({"aml_cors_origins": "*"}, "cors_origins", ("*",)),
        ({"AML_APP_INSIGHTS_ENABLED": True}, "app_insights_on", True),
        ({"app_insights_key": "k"}, "app_insights_key", "k"),
        ({"app_root": "/elsewhere"}, "app_root", None),
        ({"source_dir": "src"}, "source_directory", "src"),
        ({"scoring_timeout": 1500.5}, "scoring_timeout_ms", 1500.5),
        ({"worker_preload": "yes"}, "preload", True),
        ({"models": {"a": "a.py"}}, "models", {"a": "a.py"}),
        ({"v1_gateway_codes": True}, "v1_gateway_codes", True),
        ({"SERVICE_PATH_PREFIX": None}, "path_prefix", ""),
    ],
)
def test_keys_of_the_file_have_the_names_of_v1_and_ours(
    tmp_path: Path, config: dict[str, object], name: str, expected: object
) -> None:
    found = taken(tmp_path, config)

    assert getattr(found, name) == (expected if expected is not None else str(tmp_path))
    assert not found.warnings


def beside(folder: Path, config: object, **environ: str) -> Settings:
    """Read settings where a file of that name lies and nobody names it."""
    folder.mkdir(exist_ok=True)
    content = config if isinstance(config, bytes) else json.dumps(config).encode()
    (folder / "config.json").write_bytes(content)
    return taken(folder, **environ)


def test_a_file_that_nobody_names_is_v1s_in_the_app_root_then_beside_the_script(tmp_path: Path) -> None:
    beside(tmp_path / "src", {"SCORING_TIMEOUT_MS": 3})
    assert taken(tmp_path, AZUREML_ENTRY_SCRIPT="src/score.py").scoring_timeout_ms == 3
    assert beside(tmp_path, {"SCORING_TIMEOUT_MS": 4}, AZUREML_ENTRY_SCRIPT="src/score.py").scoring_timeout_ms == 4


@pytest.mark.parametrize(
    "config",
    [
        {"port": 9, "PORT": 9, "SERVER_PORT": 9, "workers": 4, "WORKER_COUNT": 4, "docs": 7, "service_name": "mine"},
        {"scoring_timeout_ms": 1, "Scoring_Timeout_Ms": 1, "ACIML_WORKERS": 4},
        ["a"],
        b"{not json",
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_users_own_config_json_changes_nothing_and_ends_nothing(tmp_path: Path, config: object) -> None:
    assert beside(tmp_path, config) == taken(tmp_path / "elsewhere", AML_APP_ROOT=str(tmp_path))


@pytest.mark.parametrize(("text", "expected"), [("enabled", False), ("T", True), ("n", False), ("yes", True)])
def test_a_switch_of_v1_with_another_word_is_off_and_told(text: str, *, expected: bool) -> None:
    found = Settings.take({"AML_APP_INSIGHTS_ENABLED": text})

    assert found.app_insights_on is expected
    assert [("'enabled'" in one, "off, as in v1" in one) for one in found.warnings] == [(True, True)] * (
        text == "enabled"
    )


def test_unknown_keys_are_warned_of_and_v1s_own_are_not(tmp_path: Path) -> None:
    config = {"SCORING_TIMEOUT": 5, "SCORE_TIMEOUT_MS": 5, "WORKER_TIMEOUT": 300, "SEPERATE_HEALTH_ENDPOINT": True}
    (warning,) = taken(tmp_path, config).warnings

    assert warning.endswith("'SCORE_TIMEOUT_MS' is no setting; did you mean \"scoring_timeout_ms\"?")


def test_all_wrong_values_are_told_at_once(tmp_path: Path) -> None:
    config = {"workers": "many", "docs": 7, "models": [1]}
    with pytest.raises(ValueError, match="ACIML_MAX_BODY is '-5'") as raised:
        taken(tmp_path, config, ACIML_MAX_BODY="-5")

    assert str(raised.value).count(", which is not ") == 4


def test_a_wrong_value_of_the_file_is_named_as_the_file_has_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^SCORING_TIMEOUT_MS in .*config\.json is 'soon'"):
        beside(tmp_path, {"SCORING_TIMEOUT_MS": "soon"})
    with pytest.raises(ValueError, match=r"^Worker_Count in .* is 'many'"):
        taken(tmp_path, {"Worker_Count": "many"})


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_named_file_that_is_none_ends_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "named.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"named\.json"):
        taken(tmp_path, AZUREML_CONFIG_FILE=str(tmp_path / "named.json"))


def test_a_named_file_that_is_missing_ends_the_start(start: Serve) -> None:
    server = start(ECHO, listening=False, AZUREML_CONFIG_FILE="nowhere.json")

    assert server.end() == 1
    assert "nowhere.json" in server.log[-1]


def test_a_running_service_follows_its_file(start: Serve) -> None:
    content = b'\xef\xbb\xbf{"SERVICE_PATH_PREFIX": "mine", "max_bodi": 1}'
    server = start(ECHO, {"named.json": content}, AZUREML_CONFIG_FILE="named.json")

    assert server.ask("POST", "/mine/score", b"abc").body == b"3"
    assert any('did you mean "max_body"?' in line for line in server.log)


def test_keys_never_appear_in_words() -> None:
    found = Settings.take({"ACIML_PRIMARY_KEY": "the-key", "APPLICATIONINSIGHTS_CONNECTION_STRING": "the-string"})

    assert found.keys == (b"the-key",)
    assert "the-" not in repr(found) + found.for_worker()


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "9900000 100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ({}, 8),
    ],
)
def test_cores_are_those_of_the_container_not_those_of_its_host(
    files: dict[str, str], count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aciml_server.setting import cores

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    assert cores(str(tmp_path)) == count


@pytest.mark.parametrize(
    ("quota", "environ", "found"),
    [
        ("max 100000\n", {}, {}),
        ("800000 100000\n", {}, {}),
        ("200000 100000\n", {"OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": ""}, {"RAYON_NUM_THREADS": "2"}),
        ("150000 100000\n", {}, {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}),
        ("50000 100000\n", {"MKL_NUM_THREADS": "9"}, {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}),
    ],
)
def test_libraries_start_as_many_threads_as_the_quota_allows(
    quota: str, environ: dict[str, str], found: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aciml_server.setting import threads

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8))
    (tmp_path / "cpu.max").write_text(quota)

    counts = threads(environ, str(tmp_path))

    assert counts.items() >= found.items()
    assert not counts.keys() & environ.keys()
    assert bool(counts) == bool(found)
    # a library that goes by OMP_NUM_THREADS goes by the user's
    assert "OMP_NUM_THREADS" not in environ or "OPENBLAS_NUM_THREADS" not in counts
