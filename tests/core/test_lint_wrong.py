"""Steps that are wrong: each is found by its rule, at the line and column marked with a ``\N{DOUBLE DAGGER}``."""

# ruff: noqa: RUF001, W291  # such signs, spaces and long lines are what is tested
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aciml.core.errors import Level
from aciml.core.lint import RULES, lint_dockerfile, lint_steps, memory_of
from aciml.core.lint_forms import ANY_BUILDER, BUILDKIT, BuilderWords
from aciml.core.steps import parse_steps

FILES = frozenset({"app/main.py", "requirements.txt", "my.cnf", ".env"})
MARK = "‡"
OF_A_BASE = {"apt-no-update", "sudo", "program-missing", "program-unknown", "not-root", "bash-only"}
"""Rules that know of the base image; their rows stand on Debian's own."""

STEPS = r"""
removes-system? | RUN rm -rf ‡/ opt/x
---
removes-system? | RUN chmod -R 777 ‡/etc
---
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
env-spaces? | ENV A‡ = 1
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
exec-form? | VOLUME ‡['/data']
---
exec-form? | HEALTHCHECK CMD ‡['true']
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
shell-syntax | RUN for i in a b; ‡echo $i; done
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
apt-command? | RUN if true; then apt-get ‡upgade -y; fi
---
apt-command | RUN ["apt-get", ‡"instal", "-y", "gcc"]
---
apt-command | RUN <<EOF
apt-get update
apt-get ‡insatll -y gcc
EOF
---
apt-command? | RUN (apt-get ‡updte) || true
---
apt-command | RUN /usr/bin/apt-get ‡instal gcc
---
apt-command? | RUN x=$(apt-get ‡isntall -y gcc)
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
apt-no-yes? | RUN apt-get update && apt-get ‡install gcc
---
apt-no-yes? | RUN apt-get update && apt ‡install --no-install-recommends gcc
---
apt-no-yes? | RUN apt-get ‡upgrade
---
apt-no-yes? | RUN apt-get update && apt-get ‡install -q gcc
---
apt-no-yes? | RUN apt-get ‡purge gcc && true
---
conda-no-yes? | RUN conda ‡install numpy
---
conda-no-yes? | RUN conda ‡install -c conda-forge numpy
---
conda-no-yes? | RUN conda ‡create -n x python=3.11
---
conda-no-yes? | RUN mamba ‡update --all
---
conda-no-yes? | RUN conda ‡clean --all
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
cd-no-effect? | RUN ‡cd /opt
---
cd-no-effect? | RUN mkdir -p /x && ‡cd /x
---
env-no-effect? | RUN ‡conda activate x
---
curly-quote? | RUN echo ‡“hello”
---
curly-quote? | ENV A=‡‘x’
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
invisible? | ENV A=1‡␢
---
sudo | RUN ‡sudo apt-get update
---
sudo | RUN true && ‡sudo -E ls
---
program-unknown | RUN ‡cnoda install -y numpy
---
program-unknown | RUN ‡piip install numpy
---
program-unknown | RUN apt-get update && ‡crul -o /a https://example.org
---
option-unknown | RUN apt-get update && apt-get install -y ‡-no-install-recommends gcc
---
option-unknown | RUN pip install ‡-upgrade pip
---
option-unknown? | RUN curl ‡-silent -o /x https://x.y
---
option-unknown | RUN apt-get update && apt-get install ‡--y gcc
---
pip-command | RUN su app -c "pip ‡instal numpy"
---
bash-only | RUN ‡set -euo pipefail; echo x
---
secret? | RUN echo "db_password=‡Sup3rS3cret99" > /etc/app.conf
---
program-unknown | RUN apt-get update && apt-get install -y python3 && python3 -m ‡vnev /opt/venv
---
program-unknown | RUN apt-get update && apt-get install -y python3-pip && python3 -m ‡pipp install numpy
---
option-unknown | RUN conda env create ‡--fiel /e.yml
---
option-unknown | RUN apt-get update && apt-get install -y curl && curl ‡--otput /x https://example.org/x
---
instruction-form? | ENV DAY=‡$(date)
---
package-unknown | RUN apt-get update && apt-get install -y ‡pyhton3 gcc
---
package-unknown | RUN apt-get update && apt-get install -y \
    ‡biuld-essential
---
program-unknown | RUN ‡mkdri -p /x
---
program-unknown? | RUN ‡chmdo 755 /x || true
---
program-unknown | RUN [‡"pyhton3", "-V"]
---
program-missing | RUN ‡apk add curl
---
program-missing | RUN ‡yum install -y gcc
---
program-missing | RUN ‡git clone https://example.org/a.git
---
program-missing | RUN mkdir /x && ‡wget -q https://example.org/a
---
program-missing | RUN ‡python3 -V
---
not-root? | USER app
RUN ‡apt-get update
---
bash-only | RUN ‡source /opt/x/activate && echo a
---
bash-only | RUN ‡set -o pipefail && ls | wc
---
bash-only | RUN arr=‡(a b) && echo a
---
bash-only | RUN ‡[[ -f /x ]]
---
bash-only? | RUN if ‡[[ -f /x ]]; then echo a; fi
---
bash-only | RUN diff ‡<(ls /a) <(ls /b)
---
bash-only | RUN echo ‡${A//a/b}
---
one-ampersand? | RUN apt-get update ‡& apt-get install -y gcc
---
one-ampersand? | RUN apt-get update ‡& apt-get install -y curl
---
shell-syntax | RUN ‡[ -f /x && echo a
---
shell-syntax | RUN ‡[ -f /x] && echo a
---
secret? | RUN az storage blob list --account-key ‡abcdEFGH0123456789abcdEFGH01234 -c c
---
comment-swallows? | RUN apt-get update ‡# the lists \
  && apt-get install -y gcc
---
comment-swallows | RUN apt-get update && ‡# the lists \
  apt-get install -y gcc
---
exec-form-shell | RUN ["apt-get", "update", ‡"&&", "apt-get", "install", "-y", "gcc"]
---
exec-form-shell? | RUN ["echo", ‡"$HOME"]
---
exec-form-shell? | RUN ["echo", "a", ‡">", "/b"]
---
option-unknown | RUN pip install ‡--upgrde numpy
---
option-unknown | RUN pip install ‡--no-cahe numpy
---
option-unknown | RUN pip install ‡-y numpy
---
option-unknown | RUN apt-get install -y ‡--no-install-recommend gcc
---
option-unknown | RUN curl ‡--retyr 3 https://example.org
---
option-unknown | RUN conda install -y ‡--chanel conda-forge numpy
---
program-unknown | RUN ‡Apt-Get update
---
package-unknown? | RUN pip install numpy ‡sklearn
---
package-unknown? | RUN pip install ‡nupmy==1.26
---
argument | RUN chmod ‡x+ /a
---
argument | RUN chmod ‡888 /a
---
argument | RUN ‡chmod 755
---
argument | RUN ‡cp /a
---
argument | RUN sed -i ‡'s/a/b' /f
---
argument | RUN tar xzf ‡https://example.org/a.tgz
---
argument | RUN tar -xf /a.tar ‡-c /opt
---
argument | RUN curl -O ‡htps://example.org/a
---
argument | RUN git clone ‡https//example.org/a
---
argument? | RUN wget ‡-o a.tgz https://example.org/a.tgz
---
argument | RUN A ‡= 1
---
argument | RUN export A ‡= 1 && true
---
option-unknown | RUN mkdir ‡-P /a
---
env-no-effect? | RUN ‡conda activate x && python x.py
---
instruction-in-shell | RUN apt-get update \
‡RUN apt-get install -y gcc
---
flag-value | RUN ‡--mount=tpye=cache,target=/x true
---
flag-value | RUN ‡--mount=type=cache true
---
flag-value | RUN ‡--network=nonne true
---
flag-unknown | RUN ‡-mount=type=cache,target=/x true
---
flag-value | COPY ‡--chmod=999 my.cnf /b
---
flag-value | ADD ‡--checksum=md5:1 https://example.org/x /x
---
instruction-form? | LABEL team‡: ml
---
conda-command? | RUN conda ‡evn create -f x.yml
---
tool-command | RUN systemctl ‡enabel x
---
dnf-no-yes? | RUN yum ‡install gcc
---
dnf-no-yes? | RUN dnf -q ‡install gcc
---
dnf-no-yes? | RUN pacman ‡-Syu gcc
---
dnf-no-yes? | RUN zypper ‡install gcc
---
option-unknown | RUN git clone ‡--brunch main https://example.org/a.git
---
option-unknown | RUN git -C /x checkout ‡--detatch v1
---
option-unknown | RUN tar -xzf /x.tgz ‡--strip-component-s=1
---
option-unknown | RUN mkdir ‡--parnets /x
---
option-unknown | RUN useradd ‡--create-hoem app
---
option-unknown | RUN uv pip install ‡--sytem numpy
---
option-unknown | RUN poetry install ‡--no-rot
---
program-unknown | RUN ‡mkdri -p /x
---
program-unknown | RUN ‡ptyhon -m pip install x
---
comment-swallows? | RUN apt-get update ‡# lists && apt-get install -y gcc
---
program-missing? | RUN apt-get update && apt-get install -y make && ‡git clone https://example.org/a.git
---
apt-command | RUN sh -c 'apt-get ‡instal -y gcc'
---
apt-command | RUN bash -lc "apt-get update && apt-get ‡instal -y gcc"
---
apt-command | RUN ["sh", "-c", "apt-get ‡instal -y gcc"]
---
apt-command | RUN timeout 5 apt-get ‡updat
---
apt-command | RUN env A=b nice -n 5 apt-get ‡updat
---
apt-command | RUN echo gcc | xargs apt-get ‡instal -y
---
apt-command | RUN apt-get ‡gcc
---
apt-command? | RUN apt-get ‡instal gcc; ls
---
pip-command | RUN pip ‡numpy==1.26
---
pip-command | RUN pip cache ‡prge
---
conda-command | RUN conda env ‡crate -f e.yml
---
conda-command? | RUN conda ‡numpy
---
tool-command | RUN git ‡cloen https://example.org/a.git
---
tool-command | RUN dnf ‡isntall -y gcc
---
pip-argument | RUN pip install numpy‡<2
---
pip-argument? | RUN pip install numpy‡>=1.2
---
pip-argument | RUN pip install ‡numpy=1.26
---
pip-argument | RUN pip install ‡requirements.txt
---
pip-argument | RUN pip install numpy ‡== 1.2
---
pip-argument | RUN pip install ‡numpy,scipy
---
pip-argument | RUN pip ‡install
---
pip-argument | RUN pip install ‡numpy==
---
pip-argument | RUN pip install ‡numpy==1,2
---
pip-argument | RUN pip install ‡/app/requirements.txt
---
no-packages? | RUN apt-get ‡install -y && ls
---
no-packages | RUN conda ‡install -y
---
option-unknown | RUN pip install ‡--yes numpy
---
option-unknown | RUN apt-get install -y ‡--no-recommends gcc
---
bash-only? | RUN mkdir ‡/a/{b,c}
---
bash-only? | RUN echo ‡-e "a"
---
bash-only? | RUN if [ "$a" ‡== b ]; then ls; fi
---
exec-form-shell | RUN [‡"cd", "/x"]
---
exec-form-shell? | RUN ["ls", ‡"*.txt"]
---
exec-form-shell? | RUN ["sh", "-c", "ls", ‡"&&", "ls"]
---
stage-unknown? | COPY ‡--from=builder /a /b
---
secret? | RUN curl "https://example.org/?api_key=‡abcdef123456"
---
secret | ENV SQL="‡Server=tcp:db.example.org;User ID=a;Password=hunter22;"
---
file-missing? | RUN pip install -r ‡requirements.txt
---
file-missing? | COPY requirements.txt /tmp/
RUN pip install -r ‡/app/requirements.txt
---
value | EXPOSE ‡70000
---
value | STOPSIGNAL ‡SIGTREM
---
value | HEALTHCHECK ‡--interval=30 CMD true
---
value | HEALTHCHECK ‡--timeout=3sec CMD true
---
value | HEALTHCHECK ‡--retries=-1 CMD true
---
value | VOLUME ‡[]
---
value | ENV ‡=a
---
instruction-form | HEALTHCHECK ‡NONE true
---
path-lost? | ENV ‡PATH=/opt/bin
---
secret | RUN curl -H "‡Authorization: Bearer abcdef0123456789" https://example.org
---
secret | RUN ‡curl -u me:hunter2 https://example.org
---
secret | RUN echo "‡machine example.org login me password hunter2" > /root/.netrc
---
secret | ADD https://example.blob.core.windows.net/a/b.zip?sv=2022‡&sig=abcdefghijklmnopqrstuvwxyz%3D /b.zip
---
secret | ENV DATABASE_URL=‡postgres://me:hunter2@db/app
---
secret? | ENV ‡X_TOKEN_CREDENTIALS=prod
---
secret-file? | COPY ‡.env /app/.env
---
instruction-unknown | RUN apt-get install -y make
    ‡gcc
---
env-no-effect? | RUN ‡export A=1
---
env-no-effect? | RUN ‡. /opt/x/bin/activate
---
workdir-relative~ | WORKDIR ‡app
---
workdir-relative? | WORKDIR ‡~/app
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
exec-form? | FROM debian
CMD ‡['bash']
---
copy-missing | FROM debian
COPY ‡nothing /x
---
stage-unknown? | FROM debian
COPY ‡--from=assets /a /a
---
stage-scratch | FROM scratch
‡RUN ls
---
program-missing | FROM alpine:3.20
RUN ‡apt-get update
---
not-root? | FROM jupyter/base-notebook
RUN ‡apt-get update
---
program-missing | FROM debian AS one
FROM one
RUN ‡apk add curl
---
program-unknown | FROM python:3.11
RUN python ‡pip install numpy
---
value | FROM debian
ONBUILD ‡FROM x
""".strip("\n").split("\n---\n")


LEVELS = {"?": Level.WARNING, "~": Level.REMARK}


def marked(row: str) -> tuple[str, Level, str, tuple[int, int]]:
    rule, _, text = row.replace("␣", "\u00a0").replace("␢", "\u200b").partition(" | ")
    level = LEVELS.get(rule[-1:], Level.ERROR)
    rule = rule.rstrip("".join(LEVELS))
    before = text.partition(MARK)[0]
    place = (before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
    return rule, level, text.replace(MARK, ""), place


@pytest.mark.parametrize("row", [row for row in STEPS if MARK in row])
def test_what_is_wrong_is_found_where_it_is(row: str) -> None:
    rule, level, text, place = marked(row)
    base = "debian" if rule in OF_A_BASE else ""
    builder = BuilderWords("which nobody here has") if rule == "buildkit-only" else ANY_BUILDER
    found = lint_steps(parse_steps(text, "steps"), context_files=FILES, base=base, builder=builder)

    assert [(one.rule, one.level, one.line, one.column) for one in found] == [(rule, level, *place)]
    assert "; " in found[0].why


@pytest.mark.parametrize("row", DOCKERFILES)
def test_what_is_wrong_in_a_dockerfile_is_found_where_it_is(row: str) -> None:
    rule, level, text, place = marked(row)
    found = lint_dockerfile(text, where="dockerfileText", context_files=FILES)

    assert [(one.rule, one.level, one.line, one.column) for one in found] == [(rule, level, *place)]
    assert found[0].where == "dockerfileText"


@pytest.mark.parametrize("row", [row for row in STEPS if MARK in row])
def test_a_rule_that_is_switched_off_finds_nothing(row: str) -> None:
    rule, _, text, _ = marked(row)

    assert not lint_steps(parse_steps(text, "steps"), context_files=FILES, base="debian", off=RULES)
    assert all(one.rule != rule for one in lint_steps(parse_steps(text, "s"), context_files=FILES, off=[rule]))


def test_the_corpus_is_large() -> None:
    assert len(set(STEPS)) >= 100


def test_every_rule_has_a_step_that_breaks_it() -> None:
    assert {marked(row)[0] for row in STEPS + DOCKERFILES} >= RULES.keys() - {"copy-context", "line-ends"}


@pytest.mark.parametrize(("word", "what"), BUILDKIT)
def test_what_needs_buildkit_is_right_where_it_is_and_told_where_it_is_not(word: str, what: str) -> None:
    option = {"mount": "type=cache,target=/c", "chmod": "755", "checksum": f"sha256:{64 * '0'}"}.get(what, "default")
    head = f"{word} --{what}{'' if what in {'link', 'parents', 'unpack', 'keep-git-dir'} else f'={option}'}"
    text = {
        "<<": f"{word} <<EOF /etc/x\nhello\nEOF",
        "#!": f"{word} <<EOF\n#!/bin/cat\nhello\nEOF",
    }.get(what, f"{head} {'true' if word == 'RUN' else 'my.cnf /etc/'}")
    steps = parse_steps(text, "s")

    def told(builder: BuilderWords) -> list[str]:
        found = lint_steps(steps, context_files=FILES, builder=builder)
        return [one.why for one in found if one.rule == "buildkit-only"]

    assert told(ANY_BUILDER) == []
    assert told(BuilderWords(version="28.5.1")) == []
    (why,) = told(BuilderWords("which it does not have"))
    assert f"needs BuildKit, which it does not have; {BUILDKIT[word, what]}" in why
    old = [one.partition(", and this engine is 20.10.24; ")[0] for one in told(BuilderWords(version="20.10.24+dfsg1"))]
    assert bool(old) == (what in {"link", "<<", "#!", "checksum"})
    assert all("needs Docker 2" in one for one in old)


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


def test_lines_of_windows_and_a_mark_are_remarked_upon_once() -> None:
    for text in ("RUN true\r\nRUN true\r\n", "\ufeffFROM debian\nRUN true\n"):
        (found,) = lint_dockerfile(
            "FROM debian\r\n" + text if "\r" in text else text, where="dockerfile", context_files=FILES
        )

        assert (found.rule, found.level, found.step) == ("line-ends", Level.REMARK, 1)


def test_very_many_findings_end_in_their_number() -> None:
    found = lint_steps(parse_steps("RUNN a\n" * 500 + "RUN cd /x\n" * 50, "s"), context_files=None)

    assert len(found) == 82
    assert [one.why for one in found if one.rule == "more"] == [
        "460 more errors like these",
        "10 more warnings like these",
    ]


def test_the_steps_know_what_the_base_s_own_dockerfile_did() -> None:
    below = memory_of(
        "FROM debian AS one\nRUN apt-get update && apt-get install -y git\nUSER builder\nFROM debian", "one"
    )
    steps = parse_steps("RUN git clone a\nRUN apt-get update", "s")

    assert [one.rule for one in lint_steps(steps, context_files=None, below=below)] == ["not-root"]


def test_a_line_without_its_backslash_says_so() -> None:
    (found,) = lint_steps(parse_steps("RUN apt-get install -y g++\n  gcc \\\n  make", "s"), context_files=None)

    assert "line 1 has no \\ at its end" in found.why
