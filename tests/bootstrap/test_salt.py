"""The salt that Pulumi writes into the stack's config does not stay there; all else that was changed does."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.machine import STATE
from bootstrap.salt import salt_taken_out

SALT = "encryptionsalt: v1:abc:v1:def\n"
TEXT = """\
# a comment

config:
  aciml:target: local   # where
  scoring:service:
      deep: {a: 1,   b: "two"}
"""
LAID_OUT_ANEW = """\
# a comment
config:
  aciml:target: local # where
  scoring:service:
    deep: {a: 1, b: "two"}

"""
OURS = {"PULUMI_BACKEND_URL": STATE.as_uri()}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "Pulumi.local.yaml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize("written", [TEXT + SALT, LAID_OUT_ANEW + SALT, SALT + TEXT, TEXT])
def test_a_file_that_says_the_same_is_as_it_was_to_the_byte(config: Path, written: str) -> None:
    with salt_taken_out(OURS, config):
        config.write_text(written)

    assert config.read_text() == TEXT


def test_what_a_person_set_stays_without_the_salt(config: Path) -> None:
    changed = LAID_OUT_ANEW.replace("local #", "azure #")
    with salt_taken_out(OURS, config):
        config.write_text(changed + SALT)

    assert config.read_text() == changed


def test_it_is_taken_out_of_a_run_that_failed_too(config: Path) -> None:
    def fail() -> None:
        with salt_taken_out(OURS, config):
            config.write_text(TEXT + SALT)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert config.read_text() == TEXT


def test_a_salt_that_a_killed_run_left_goes_with_the_next(config: Path) -> None:
    config.write_text(TEXT + SALT)
    with salt_taken_out(OURS, config):
        pass

    assert config.read_text() == TEXT


def test_the_file_outlives_the_stack_that_is_removed(config: Path) -> None:
    with salt_taken_out(OURS, config):
        config.unlink()

    assert config.read_text() == TEXT


def test_a_team_with_a_backend_of_its_own_keeps_its_salt(config: Path) -> None:
    with salt_taken_out({"PULUMI_BACKEND_URL": "s3://bucket"}, config):
        config.write_text(TEXT + SALT)

    assert config.read_text() == TEXT + SALT


def test_a_file_that_is_not_there_or_no_mapping_is_left(config: Path, tmp_path: Path) -> None:
    with salt_taken_out(OURS, tmp_path / "none.yaml"):
        pass
    config.write_text("a: [\n")
    with salt_taken_out(OURS, config):
        pass

    assert config.read_text() == "a: [\n"
