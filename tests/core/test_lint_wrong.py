"""Steps that are wrong: each is found by its rule, at the line and column marked with a ``\N{DOUBLE DAGGER}``."""

# ruff: noqa: RUF001, W291  # such signs, spaces and long lines are what is tested
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aciml.core.lint import RULES, lint_dockerfile, lint_steps
from aciml.core.steps import parse_steps

FILES = frozenset({"app/main.py", "requirements.txt", "my.cnf"})
MARK = "‡"

STEPS = r"""
instruction-unknown | ‡RUNN ls
---
instruction-unknown | ENV A=1
  ‡COPPY a b
---
instruction-unknown | ‡apt-get install gcc
---
instruction-unknown | ‡WORKDIRR /x
---
curly-quote | ‡“RUN” ls
---
instruction-refused | ‡FROM debian
---
instruction-refused | ‡from debian
---
instruction-refused | ‡ONBUILD RUN true
---
server-command | ‡CMD ["sh"]
---
server-command | ‡ENTRYPOINT sh
---
instruction-empty | ‡RUN
---
instruction-empty | RUN true
‡ENV
---
instruction-form | COPY ‡my.cnf
---
instruction-form | ENV ‡A
---
instruction-form | ENV A=1 ‡B
---
instruction-form | ENV A=two ‡words
---
instruction-form | LABEL a=1 ‡b
---
instruction-form | EXPOSE 80 ‡http
---
instruction-form | EXPOSE ‡80/http
---
instruction-form | HEALTHCHECK ‡curl x
---
env-spaces | ENV A‡ = 1
---
env-spaces | ARG A‡ =1
---
env-spaces | ENV A‡= 1
---
flag-unknown | COPY ‡--chwon=1000 my.cnf /etc/
---
flag-unknown | ADD ‡--from=x my.cnf /etc/
---
flag-unknown | RUN ‡--mnt=type=cache true
---
flag-unknown | HEALTHCHECK ‡--intervall=3s CMD true
---
flag-value | COPY ‡--chown my.cnf /etc/
---
buildkit-only | RUN ‡--mount=type=cache,target=/c true
---
buildkit-only | COPY ‡--chmod=755 my.cnf /etc/
---
buildkit-only | COPY ‡<<EOF /etc/x
hello
EOF
---
buildkit-only | RUN ‡<<EOF
#!/usr/bin/env python3
print()
EOF
---
exec-form | RUN ‡['ls', '-l']
---
exec-form | RUN ‡["ls", "-l"
---
exec-form | RUN ‡["ls" "-l"]
---
exec-form | RUN ‡["ls", '-l']
---
exec-form | RUN ‡[ "ls", -l ]
---
exec-form | RUN ‡[ 'ls', 'x' ]
---
exec-form | RUN ‡["apt-get install -y gcc"]
---
exec-form | SHELL ‡/bin/bash -c
---
exec-form | VOLUME ‡['/data']
---
exec-form | HEALTHCHECK CMD ‡['true']
---
heredoc-unclosed | RUN cat ‡<<EOF > /etc/x
---
heredoc-unclosed | RUN ‡<<-END
---
instruction-in-shell | RUN apt-get update && \
  ‡RUN apt-get install -y gcc
---
instruction-in-shell | RUN true && \
‡COPY my.cnf /etc/
---
instruction-in-shell | RUN true; \
‡ENV A=1
---
continuation-space | RUN <<EOF
apt-get install -y ‡\ 
  gcc
EOF
---
shell-syntax | RUN apt-get update ‡&&
---
shell-syntax | RUN apt-get update ‡&& \
---
shell-syntax | RUN apt-get update && ‡&& apt-get install -y gcc
---
shell-syntax | RUN ‡&& true
---
shell-syntax | RUN true ‡||
---
shell-syntax | RUN true | ‡| false
---
shell-syntax | RUN true ‡|
---
shell-syntax | RUN true && \
  true ‡&& \
  # the last one
---
shell-syntax | RUN echo ‡"abc
---
shell-syntax | RUN echo ‡'abc
---
shell-syntax | RUN echo it‡'s fine
---
shell-syntax | RUN echo "a" && \
    echo ‡"b && \
    echo c
---
shell-syntax | RUN echo ‡`date
---
shell-syntax | RUN echo ‡$(date
---
shell-syntax | RUN echo ‡${A
---
shell-syntax | RUN ‡if true; then echo a
---
shell-syntax | RUN ‡if [ -f x ]; then \
      echo a; \
    else \
      echo b;
---
shell-syntax | RUN if true then echo a; ‡fi
---
shell-syntax | RUN echo a; ‡fi
---
shell-syntax | RUN ‡for i in a b; do echo $i
---
shell-syntax | RUN for i in a b; echo $i; ‡done
---
shell-syntax | RUN ‡while true; do sleep 1
---
shell-syntax | RUN ‡case $x in a) echo a;;
---
shell-syntax | RUN ‡(cd /tmp; ls
---
shell-syntax | RUN ls‡)
---
shell-syntax | RUN ‡{ ls; pwd
---
shell-syntax | RUN echo a ‡>
---
shell-syntax | RUN a; ‡; b
---
shell-syntax | RUN a & ‡&& b
---
shell-syntax | RUN <<EOF
set -e
‡if true; then
  echo a
EOF
---
shell-syntax | RUN <<EOF
echo ‡"a
EOF
---
shell-syntax | RUN echo üü ‡"abc
---
apt-command | RUN apt-get update && apt-get ‡instal -y gcc
---
apt-command | RUN apt-get ‡updat && true
---
apt-command | RUN apt-get -o X::Y=z ‡isntall gcc
---
apt-command | RUN apt update && \
    DEBIAN_FRONTEND=noninteractive apt ‡intsall -y gcc
---
apt-command | RUN apt-get ‡uninstall -y gcc
---
apt-command | RUN if true; then apt-get ‡upgade -y; fi
---
apt-command | RUN ["apt-get", ‡"instal", "-y", "gcc"]
---
apt-command | RUN <<EOF
apt-get update
apt-get ‡insatll -y gcc
EOF
---
apt-command | RUN (apt-get ‡updte) || true
---
apt-command | RUN /usr/bin/apt-get ‡instal gcc
---
apt-command | RUN x=$(apt-get ‡isntall -y gcc)
---
pip-command | RUN pip ‡instal numpy
---
pip-command | RUN pip3 --no-cache-dir ‡intall numpy
---
pip-command | RUN python -m pip ‡isntall numpy
---
pip-command | RUN pip ‡remove numpy
---
pip-command | RUN pip ‡upgrade numpy
---
conda-command | RUN conda ‡instal -y numpy
---
conda-command | RUN conda ‡creat -n x
---
mamba-command | RUN mamba ‡isntall -y numpy
---
mamba-command | RUN micromamba ‡crate -y -n x
---
npm-command | RUN npm ‡instlal express
---
npm-command | RUN npm ‡unistall express
---
apk-command | RUN apk ‡install curl
---
apk-command | RUN apk --no-cache ‡ad curl
---
apk-command | RUN apk ‡updaet
---
apt-no-yes | RUN apt-get update && apt-get ‡install gcc
---
apt-no-yes | RUN apt-get update && apt ‡install --no-install-recommends gcc
---
apt-no-yes | RUN apt-get ‡upgrade
---
apt-no-yes | RUN apt-get update && apt-get ‡install -q gcc
---
apt-no-yes | RUN apt-get ‡purge gcc && true
---
conda-no-yes | RUN conda ‡install numpy
---
conda-no-yes | RUN conda ‡install -c conda-forge numpy
---
conda-no-yes | RUN conda ‡create -n x python=3.11
---
conda-no-yes | RUN mamba ‡update --all
---
conda-no-yes | RUN conda ‡clean --all
---
pip-no-yes | RUN pip3 ‡uninstall numpy
---
pip-no-yes | RUN python3 -m pip ‡uninstall -r old.txt && pip install numpy
---
apt-no-update | RUN apt-get ‡install -y gcc
---
apt-no-update | RUN apt-get update && rm -rf /var/lib/apt/lists/*
RUN apt-get ‡install -y gcc
---
copy-missing | COPY ‡my.cfg /etc/
---
copy-missing | COPY my.cnf ‡nothing /etc/
---
copy-missing | COPY ‡*.toml /etc/
---
copy-missing | ADD ["‡none.txt", "/x"]
---
copy-leaves | COPY ‡../secret /etc/
---
copy-leaves | ADD ‡app/../../x /etc/
---
copy-target | COPY my.cnf requirements.txt ‡/etc/files
---
copy-url | COPY ‡https://example.org/a /a
---
add-url | ADD ‡https:/example.org/a /a
---
add-url | ADD ‡https//example.org/a /a
---
stage-unknown | COPY ‡--from=0 /a /a
---
secret | ENV ‡DB_PASSWORD=hunter2
---
secret | ARG ‡API_TOKEN=abcdef123
---
secret | ENV A=1 ‡AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI"
---
secret | ENV ‡PASSWORD hunter2
---
secret | RUN git clone ‡https://me:hunter2@example.org/a.git
---
secret | RUN curl -H "X: ‡ghp_abcdefghijklmnopqrstuvwxyz0123456789" x
---
cd-no-effect | RUN ‡cd /opt
---
cd-no-effect | RUN mkdir -p /x && ‡cd /x
---
env-no-effect | RUN ‡conda activate x
---
curly-quote | RUN echo ‡“hello”
---
curly-quote | ENV A=‡‘x’
---
curly-quote | RUN [‡“ls”, “-l”]
---
dash | RUN apt-get update && apt-get install ‡–y gcc
---
dash | RUN pip install ‡—upgrade a
---
space | RUN‡␣apt-get update
---
space | RUN apt-get‡␣update
---
invisible | RUN ‡␢ls
---
invisible | ENV A=1‡␢
---
sudo | RUN ‡sudo apt-get update
---
sudo | RUN true && ‡sudo -E ls
---
workdir-relative | WORKDIR ‡app
---
workdir-relative | WORKDIR ‡~/app
""".strip("\n").split("\n---\n")

DOCKERFILES = r"""
stage-order | ‡RUN ls
FROM debian
---
stage-unknown | FROM debian AS build
FROM debian
COPY ‡--from=biuld /a /a
---
stage-order | FROM debian
COPY ‡--from=later /a /a
FROM debian AS later
---
stage-order | FROM debian
COPY ‡--from=1 /a /a
---
arg-before-use | FROM debian
WORKDIR ‡$PLACE
ARG PLACE
---
flag-value | FROM debian
RUN ‡--mount=type=cahce,target=/c true
---
flag-unknown | FROM ‡--plattform=linux/amd64 debian
---
shell-syntax | FROM debian
RUN --mount=type=cache,target=/c \
    ls ‡&&
---
apt-no-update | FROM debian AS a
RUN apt-get update
FROM ubuntu:24.04
RUN apt-get ‡install -y gcc
---
exec-form | FROM debian
CMD ‡['bash']
---
copy-missing | FROM debian
COPY ‡nothing /x
""".strip("\n").split("\n---\n")


def marked(row: str) -> tuple[str, str, tuple[int, int]]:
    rule, _, text = row.replace("␣", "\u00a0").replace("␢", "\u200b").partition(" | ")
    before = text.partition(MARK)[0]
    place = (before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
    return rule, text.replace(MARK, ""), place


@pytest.mark.parametrize("row", [row for row in STEPS if MARK in row])
def test_what_is_wrong_is_found_where_it_is(row: str) -> None:
    rule, text, place = marked(row)
    base = "debian" if rule in {"apt-no-update", "sudo"} else ""
    found = lint_steps(parse_steps(text, "steps"), context_files=FILES, base=base)

    assert [(one.rule, one.line, one.column) for one in found] == [(rule, *place)]
    assert "; " in found[0].why


@pytest.mark.parametrize("row", DOCKERFILES)
def test_what_is_wrong_in_a_dockerfile_is_found_where_it_is(row: str) -> None:
    rule, text, place = marked(row)
    found = lint_dockerfile(text, where="dockerfileText", context_files=FILES)

    assert [(one.rule, one.line, one.column, one.where) for one in found] == [(rule, *place, "dockerfileText")]


@pytest.mark.parametrize("row", [row for row in STEPS if MARK in row])
def test_a_rule_that_is_switched_off_finds_nothing(row: str) -> None:
    rule, text, _ = marked(row)

    assert not lint_steps(parse_steps(text, "steps"), context_files=FILES, base="debian", off=RULES)
    assert all(one.rule != rule for one in lint_steps(parse_steps(text, "s"), context_files=FILES, off=[rule]))


def test_the_corpus_is_large() -> None:
    assert len(set(STEPS)) >= 100


def test_every_rule_has_a_step_that_breaks_it() -> None:
    assert {marked(row)[0] for row in STEPS + DOCKERFILES} >= RULES.keys() - {"copy-context"}


def test_a_secret_is_not_repeated() -> None:
    (found,) = lint_steps(parse_steps("ENV DB_PASSWORD=hunter2", "s"), context_files=None)

    assert "hunter2" not in found.why


PIECES = st.lists(
    st.sampled_from(
        [
            "RUN",
            "COPY",
            "ENV",
            "FROM",
            "ARG",
            "WORKDIR",
            " ",
            "\n",
            "\\\n",
            '"',
            "'",
            "`",
            "$(",
            "${",
            ")",
            "}",
            "(",
            "{",
            "&&",
            "\\",
            "\\",
            "",
            ";",
            ";;",
            "if",
            "then",
            "fi",
            "for",
            "do",
            "done",
            "case",
            "in",
            "esac",
            "<<EOF",
            "EOF",
            "<<-A",
            "[",
            "]",
            '["',
            "apt-get",
            "install",
            "-y",
            "pip",
            "conda",
            "sudo",
            "cd",
            "=",
            "A",
            "$A",
            "--from=",
            "--mount=type=",
            "\xa0",
            "“",
            "\u200b",
            "é",
            "#",
        ]
    ),
    max_size=60,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.text() | PIECES | PIECES.map(lambda text: "RUN " + text))
def test_no_text_breaks_the_lint(text: str) -> None:
    for one in lint_steps(parse_steps(text, "s"), context_files=FILES, base="debian"):
        assert one.rule in RULES
        assert one.line >= 1
        assert one.column >= 1
    lint_steps(parse_steps(text.split("\n"), "s"), context_files=None)
    lint_dockerfile(text, where="dockerfile", context_files=FILES)


@pytest.mark.parametrize("unit", ['"$(', "$(", "(", "{ ", "if ", "`", "<<A ", '["', "${"])
def test_deep_nesting_breaks_nothing(unit: str) -> None:
    lint_steps(parse_steps("RUN " + unit * 3000, "s"), context_files=None)
