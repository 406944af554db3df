"""Steps as people write them, all of them right: not one may be found fault with."""

# ruff: noqa: RUF001, W291, E501  # such signs, spaces and long lines are what is tested
from __future__ import annotations

import re

import pytest

from aciml.core.lint import lint_dockerfile, lint_steps
from aciml.core.steps import parse_steps

FILES = frozenset(
    {"app/main.py", "conf/nginx.conf", "requirements.txt", "run.sh", "bin/conda", "package.json", "my app.py"}
)

STEPS = r"""
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
---
RUN apt-get update \
 && apt-get install -y \
    # for opencv
    libgl1 \
    libglib2.0-0 \
 && rm -rf /var/lib/apt/lists/*
---
RUN apt-get -qq update && apt-get -qqy install curl
---
RUN curl -sSL https://install.python-poetry.org | python3 - && poetry install --only main --no-root
---
RUN python3 /tmp/install.py && uv pip install --system numpy
---
RUN tar --extract --file=/x.tar.gz --strip=1 --directory /opt && mkdir --parents --mode=0755 /x && rm --recursive --force /x
---
RUN git clone --depth=1 --recurse-sub --branch v1 https://example.org/a.git && git -C a submodule update --init --recursive
---
RUN useradd --create-home --uid 1000 app && adduser --disabled-password --gecos "" b && groupadd --gid 99 c
---
RUN apt-get update # the lists; and no more
---
RUN yum -y install gcc && dnf install -qy make && zypper -n install a && zypper install -y b && yum --assumeyes update
---
RUN pacman -Syu --noconfirm python && pacman -Ss gcc && pacman --noconfirm -S a
---
RUN server & curl --retry 3 http://127.0.0.1/ && kill %1
---
RUN [ -f /x ] && [ "$A" = b ] || [ -z "${B}" ]; if [ ! -d /y ]; then mkdir /y; fi
---
RUN chmod +x /a /b && chmod -x /a && chmod u=rwX,go=rX /b && chmod -R 0755 /c && chmod --reference=/a /b && chmod a+w,o-x $F
---
RUN cp -t /a b && mv *.x /y && ln -s /a && mkdir -p /a && cp -r /a/. /b && chown -R app: /a && chown --reference=/a /b
---
RUN sed -i 's/a/b/' /f && sed -n '/x/p' /f && sed 's|[/]|x|;s,a,b,g' /f && sed -i -e 's/a/b/' /f && sed "s/$A/b/" /f
---
RUN wget -o /tmp/wget.log https://example.org/a && wget -O a.tgz https://example.org/a.tgz && tar -xzf a.tgz -C /opt
---
RUN [ "$A" = b ] && expr 1 = 1 && test a = a && git clone https://example.org/a && curl -sS http://127.0.0.1:80/
---
RUN . /opt/conda/etc/profile.d/conda.sh && conda activate x && python x.py
---
RUN --mount=type=bind,source=a,target=/a,rw --mount=type=cache,target=/c,sharing=locked,id=x --network=none true
---
RUN systemctl enable --now x.service && systemctl daemon-reload
---
RUN python -u -m venv /v && python -m nltk.downloader punkt && python -c "print(1)" -m vnev && python x.py -m pipp
---
ENV A=$((1+1)) B='$(date)' C="\`x"
---
RUN pip install poetry==1.8 'uv>=0.4' && poetry --version && uv --version
---
RUN npm install -g pnpm@9 yarn && pnpm -v && yarn -v
---
RUN curl -sSLo /x https://x.y && tar -xvf /x && sed -i -e s/a/b/ /x && find / -name x -delete
---
RUN su - app -c "pip install --user numpy" && su app && echo "token = ''" >> /x && echo "password=$PASS" >> /x
---
RUN apt-get update -qq && apt-get install -qq curl
---
RUN apt-get -o Acquire::Retries=3 update && apt-get -o Dpkg::Options::="--force-confold" install -y gcc
---
RUN apt-get -oAPT::Get::Assume-Yes=true update && apt-get -o APT::Get::Assume-Yes=true install gcc
---
RUN apt-get update; apt-get install --yes gcc; apt-get clean
---
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y tzdata
---
RUN export DEBIAN_FRONTEND=noninteractive && apt-get update && apt-get -y upgrade
---
RUN yes | apt-get install gcc
---
RUN echo y | apt install gcc
---
RUN apt-get install < /answers gcc
---
RUN echo 'APT::Get::Assume-Yes "true";' > /etc/apt/apt.conf.d/90yes
RUN apt-get update && apt-get install gcc
---
RUN apt-get $OPTIONS install gcc
---
RUN apt-get update && apt-get install $APT_FLAGS gcc
---
RUN apt-get update && apt-get install -y ${PACKAGES}
---
RUN apt-get update && apt-get install -y instal-helper remvoe pythn3 isntall
---
RUN apt-get update && apt-get install -y python3-pip && pip install flask-sqlalchemy instal
---
RUN apt-get install -y ./driver.deb
---
RUN apt-get update && apt-get install -y gcc || (sleep 5 && apt-get update && apt-get install -y gcc)
---
RUN for i in 1 2 3; do apt-get update && break || sleep 2; done
---
RUN if [ "$(uname -m)" = "x86_64" ]; then apt-get update && apt-get install -y gcc; else echo other; fi
---
RUN case "$(uname -m)" in x86_64) ARCH=amd64 ;; aarch64|arm64) ARCH=arm64 ;; *) echo unknown; exit 1 ;; esac && echo $ARCH
---
RUN set -eux; \
    apt-get update; \
    apt-get install -y --no-install-recommends ca-certificates; \
    rm -rf /var/lib/apt/lists/*
---
RUN set -ex && \
    savedAptMark="$(apt-mark showmanual)" && \
    apt-get update && apt-get install -y gcc && \
    apt-mark auto '.*' > /dev/null && \
    [ -z "$savedAptMark" ] || apt-mark manual $savedAptMark
---
RUN while read -r line; do echo "$line"; done < /etc/passwd
---
RUN until curl -f http://localhost/; do sleep 1; done
---
RUN { echo a; echo b; } > /etc/both
---
RUN (cd /tmp && tar xf a.tar.gz) && rm /tmp/a.tar.gz
---
RUN cd /tmp && make && make install
---
RUN cd /opt && ./install.sh && cd .. && rm -rf /opt/src
---
RUN mkdir -p /src && cd /src && git clone https://example.org/a.git
---
WORKDIR /src
RUN make
---
WORKDIR /src
WORKDIR build
RUN cmake ..
---
WORKDIR $HOME
---
WORKDIR ${APP_HOME:-/app}
---
ENV APP_HOME=/app
WORKDIR ${APP_HOME}/data
---
ENV A=1 B="two words" C='three' D=a\ b
---
ENV A 1
---
ENV PATH /opt/bin:$PATH
---
ENV PATH="/opt/bin:${PATH}"
---
ENV LANG=C.UTF-8 \
    LC_ALL=C.UTF-8 \
    PYTHONUNBUFFERED=1
---
ENV TOKENIZERS_PARALLELISM=false
---
ENV DB_PASSWORD_FILE=/run/secrets/db
---
ENV API_TOKEN=${API_TOKEN}
---
ENV SECRET_KEY=dummy
---
ENV MAX_TOKEN=512
---
ENV TOKEN=""
---
ARG GITHUB_TOKEN
---
ARG PASSWORD=changeme
---
ARG VERSION=1.2.3
RUN curl -fsSL https://example.org/a-${VERSION}.tar.gz | tar xz -C /opt
---
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install -y tzdata
---
LABEL maintainer="me <me@example.org>" version=1
---
LABEL "com.example.vendor"="A B" org.opencontainers.image.title="it’s mine"
---
LABEL description="a “quoted” word"
---
LABEL a=1 \
      b="x = y"
---
EXPOSE 80 443/tcp 8000-8010/udp
---
EXPOSE $PORT
---
USER 1000:1000
---
USER root
RUN sudo true
USER app
---
RUN apt-get update && apt-get install -y sudo && sudo -u nobody true
---
VOLUME ["/data"]
---
VOLUME /data /more
---
STOPSIGNAL SIGTERM
---
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN set -o pipefail && curl -s x | tar x
---
SHELL ["pwsh", "-Command"]
RUN if ($true) { Write-Host "a" }
---
SHELL ["python3", "-c"]
RUN print("apt-get instal"
---
HEALTHCHECK --interval=30s --timeout=3s CMD curl -f http://localhost/ || exit 1
---
HEALTHCHECK NONE
---
HEALTHCHECK CMD ["curl", "-f", "http://localhost/"]
---
COPY app /app
---
COPY app/ /app/
---
COPY app/*.py /app/
---
COPY requirements.txt package.json /app/
---
COPY requirements.txt package.json ./
---
COPY --chown=1000:1000 run.sh /usr/local/bin/run.sh
RUN chmod +x /usr/local/bin/run.sh && run.sh
---
COPY ["run.sh", "/usr/local/bin/"]
---
COPY --from=debian:bookworm /etc/passwd /etc/passwd2
---
COPY --from=tool:1 /usr/bin/tool /usr/bin/tool
---
ADD https://example.org/a.tar.gz /opt/
---
ADD --chown=app http://example.org/a /a
---
COPY bin/conda /usr/local/bin/conda
RUN conda instal everything
---
COPY run.sh /usr/local/bin/apt-get
RUN apt-get instal foo
---
SHELL ["/bin/bash", "-c"]
RUN apt-get() { echo "$@"; }; apt-get instal foo
---
RUN pip() { python3 -m pip "$@"; } && pip install a
---
RUN alias pip=uv && pip instal x
---
COPY requirements.txt /tmp/
RUN python -m pip install --no-cache-dir -r /tmp/requirements.txt
---
RUN python3.11 -m pip --no-cache-dir install a
---
RUN pip install --upgrade pip setuptools wheel && pip install 'a>=1,<2' "b[extra]==1.*"
---
RUN pip3 --proxy http://proxy:3128 --timeout 60 install a
---
RUN PIP_NO_CACHE_DIR=1 pip install a && pip cache purge
---
RUN pip download -d /w a && pip wheel a && pip check && pip freeze > /r.txt
---
RUN pip install git+https://example.org/a.git@main#egg=a
---
RUN pip config set global.index-url https://example.org/simple
---
RUN conda install -y numpy=1.26 && conda clean -afy
---
RUN conda install --yes --name base -c conda-forge a && conda clean --all --yes
---
RUN conda create -qy -n x python=3.11
---
RUN conda env create -f /tmp/environment.yml && conda clean -tipy
---
RUN conda env update -n base -f /e.yml
---
RUN conda config --set always_yes true && conda install a
---
ENV CONDA_ALWAYS_YES=1
RUN conda install numpy
---
ENV PIP_YES=1
RUN pip uninstall numpy
---
RUN pip uninstall -qy numpy && pip3.11 uninstall --yes a && yes | pip uninstall b
---
RUN conda lock -f environment.yml && conda pack -n x
---
RUN conda run -n x pip install a
---
RUN mamba install -y a && mamba clean -ay
---
RUN micromamba install -y -n base -f /tmp/env.yml && micromamba clean --all --yes
---
RUN micromamba -n base install -y a
---
RUN micromamba -r /opt/mm create -yqp /opt/env a
---
RUN npm ci --omit=dev && npm cache clean --force
---
RUN npm isntall && npm i -g yarn && npm run-script build
---
RUN npm --prefix /app install && npm --loglevel verbose test
---
RUN npm install --global n && npm t
---
RUN apk add --no-cache curl
---
RUN apk --no-cache add curl && apk del curl
---
RUN apk --update-cache --repository https://example.org/edge add a
---
RUN apk add -U --virtual .build gcc && apk del .build
---
RUN yum install -y gcc && yum clean all
---
RUN curl -fsSL https://example.org/setup.sh | bash - && apt-get install -y nodejs
---
RUN curl -sSL https://example.org/get.sh | sh -s -- --yes
---
RUN wget -qO- https://example.org/key.asc | gpg --dearmor > /usr/share/keyrings/a.gpg \
 && echo "deb [signed-by=/usr/share/keyrings/a.gpg] https://example.org stable main" > /etc/apt/sources.list.d/a.list \
 && apt-get update && apt-get install -y a
---
RUN sed -i 's/deb.debian.org/mirror.example.org/g' /etc/apt/sources.list
---
RUN sed -i "s|^#\(.*\)$|\1|" /etc/a.conf && grep -q "x" /etc/a.conf || true
---
RUN echo "it's" && echo 'say "hi"' && echo it\'s
---
RUN echo it’s fine
---
RUN printf '%s\n' "a" 'b' > /etc/x
---
RUN printf "[a]\nb = 'c'\n" > /etc/x.ini
---
RUN echo $((1 + 2)) $(( 1<<2 )) $(echo $(echo a)) `date`
---
SHELL ["/bin/bash", "-c"]
RUN echo ${A:-b} ${A#"x"} ${A%%/*} ${A//a/b} ${#A}
---
RUN [ -f /etc/passwd ] && echo yes
---
RUN [ "$a" = "b" ] || [ -n "$c" ] || true
---
SHELL ["/bin/bash", "-c"]
RUN [[ "$a" == b* && -f /etc/passwd ]] || true
---
RUN ["/bin/sh", "-c", "echo hello"]
---
RUN ["apt-get", "install", "-y", "gcc"]
---
RUN [ "apt-get" = "x" ] || true
---
RUN ["python", "-m", "pip", "install", "a"]
---
RUN python -c "import sys; print(sys.version)"
---
RUN python - <<'EOF'
import os
if os.path.exists("/x"): print('it's not shell')
EOF
---
RUN python3 <<EOF
print("apt-get instal")
EOF
---
RUN <<EOF
apt-get update
apt-get install -y gcc
rm -rf /var/lib/apt/lists/*
EOF
---
RUN <<-EOF
	set -e
	if true; then
		echo a
	fi
	EOF
---
RUN cat <<EOF > /etc/a.conf
key = "value
other = 'x
EOF
---
RUN cat > /etc/a.conf <<'EOF' && chmod 600 /etc/a.conf
$x ) fi done
EOF
---
RUN cat <<A <<B > /x
a
A
b
B
---
SHELL ["/bin/bash", "-c"]
RUN cat <<< "word" && tee /x <<< y
---
RUN groupadd -r app && useradd -r -g app -u 1000 app
---
RUN ln -sf /usr/bin/python3 /usr/bin/python && python --version
---
RUN find / -name '*.pyc' -exec rm {} \; || true
---
RUN find /opt -type f -name "*.a" -delete -o -name '*.js.map' -delete
---
RUN find / -xdev -perm +6000 -type f -exec chmod a-s {} + || true
---
RUN dpkg --add-architecture i386 && apt-get update && apt-get install -y libc6:i386
---
RUN echo "deb http://a b c" >> /etc/apt/sources.list && apt update && apt install -y a
---
RUN apt-get update && apt-get -y --no-install-recommends install a=1.2.* b && apt-get -y autoremove && apt-get clean
---
RUN apt-get -y remove gcc && apt-get purge -y --auto-remove
---
RUN apt-cache policy gcc && apt-mark hold gcc && apt list --installed
---
RUN apt-get download gcc && apt-get -s install gcc && apt-get --download-only install gcc
---
RUN apt-get update && xargs -a /tmp/list apt-get install -y
---
RUN xargs apt-get install < list
---
RUN true && \
    true
---
RUN echo a; echo b & wait
---
SHELL ["/bin/bash", "-c"]
RUN echo a |& tee /log 2>&1 >/dev/null
---
RUN ! grep -q x /etc/passwd
---
RUN time make -j"$(nproc)"
---
RUN test -f /x || { echo missing >&2; true; }
---
RUN f() { echo "$1"; }; f a; f b
---
SHELL ["/bin/bash", "-c"]
RUN function g { echo a; } ; g
---
RUN for f in /etc/*.conf; do [ -e "$f" ] || continue; echo "$f"; done
---
SHELL ["/bin/bash", "-c"]
RUN for ((i=0; i<3; i++)); do echo $i; done
---
RUN f() { for i do echo "$i"; done; }; f a b
---
SHELL ["/bin/bash", "-c"]
RUN arr=(a b c) && echo "${arr[@]}"
---
SHELL ["/bin/bash", "-c"]
RUN diff <(echo a) <(echo b) || true
---
RUN IFS=, read -r a b < /x; echo "$a"
---
RUN echo a > /dev/null; : ; true
---
SHELL ["/bin/bash", "-c"]
RUN source /etc/profile && echo "$PATH"
---
RUN . /opt/venv/bin/activate && pip install a
---
RUN bash -c 'source activate x && pip install a'
---
RUN bash -lc "conda activate x && conda install -y a"
---
RUN echo "# not a comment" && echo a # a comment
---
RUN echo '#' a#b ${a#b} $#
---
RUN su - app -c "echo hi"
---
RUN echo 'password: hunter2' > /dev/null
---
RUN git clone https://${TOKEN}:x@example.org/a.git || true
---
RUN --network=none true
---
RUN touch FROM && ls COPY RUN
---
RUN tee /x <<'EOF'
RUN something
FROM x
EOF
---
RUN echo \
FROM
---
RUN R -e 'install.packages("a", repos="https://example.org")'
---
RUN julia -e 'using Pkg; Pkg.add("A")'
---
RUN perl -e 'print "a$b\n" if 1;' && awk '{print $1}' /etc/passwd && awk -F: '$3 > 10 {print}' /etc/passwd
---
RUN jq '.a | select(.b == "c")' /x.json || true
---
RUN test "$(id -u)" -eq 0 && echo root
---
SHELL ["/bin/bash", "-c"]
RUN ls /usr/lib/{a,b} 2>/dev/null || :
---
RUN curl -O https://example.org/{a,b}.txt
---
RUN export A=1 && echo $A
---
RUN A=1; echo $A
---
RUN eval "$(ssh-agent -s)"
---
RUN trap 'rm -f /tmp/x' EXIT; touch /tmp/x
---
RUN exec >/log 2>&1; echo a
---
RUN curl -H "Authorization: Bearer $TOKEN" https://example.org/
---
RUN curl -o /a 'https://example.org/?a=1&b=2' && curl "https://example.org/$(uname -s)-$(uname -m)"
---
RUN python -m venv /opt/venv && /opt/venv/bin/pip install a
---
RUN uv pip install --system a
---
RUN poetry config virtualenvs.create false && poetry install --no-root
---
RUN echo "a \
 b" && true
---
RUN for d in a b; do if [ "$d" = a ]; then echo $d; fi done
---
RUN if true; then for x in a; do echo $x; done else echo none; fi
---
RUN if true; then { echo a; } else for x in b; do echo $x; done; fi
---
RUN if true; then (echo a) fi
---
RUN if command -v sudo >/dev/null; then sudo true; fi; command -v apk && apk add curl || apt-get update
---
RUN if [ -f /etc/alpine-release ]; then apk add curl; elif [ -f /etc/redhat-release ]; then yum install -y curl; fi
---
RUN apt-get update && apt-get install --yes=true gcc && apt-get remove --assume-yes=true gcc
---
RUN apt-get install -y coreutils bash
---
RUN conda create --clone base -n x && conda install https://example.org/linux-64/a-1.0-0.conda && conda create -n y --file spec.txt
---
COPY bin/conda /root/.condarc
RUN conda install numpy
---
ENV X_TOKEN_CREDENTIALS=\$X IMAGE=task-abcdefghijklmnopqrstuvwxyz0123456789abcdef
---
RUN curl https://example.org/disk-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
---
RUN pip install --index-url https://user:${TOKEN}@example.org/simple a && pip install git+ssh://git@example.org/a.git
---
RUN pip install --no-cache numpy==1.26.4 'scipy>=1.10,<2' pandas~=2.0 "torch==2.*" a[b,c]
---
COPY requirements.txt package.json ./
RUN pip install -r requirements.txt && pip install --requirement=./requirements.txt
---
WORKDIR /app
COPY app .
RUN pip install -r requirements/base.txt && pip install -rmore.txt -c /app/limits.txt
---
RUN echo numpy > /r.txt && pip install -r /r.txt
---
RUN curl -fsSLO https://example.org/r.txt && pip install -r r.txt
---
RUN pip install -r https://example.org/requirements.txt
---
RUN nohup server & sleep 2 && kill $!
---
RUN ["/bin/bash", "-c", "echo $HOME && ls"]
---
RUN timeout 60 apt-get update && nice -n 5 apt-get install -y gcc && env DEBIAN_FRONTEND=x apt-get install -y make
---
EXPOSE 65535 8000-8010/TCP
---
STOPSIGNAL 9
---
STOPSIGNAL sigterm
---
STOPSIGNAL RTMIN+3
---
HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=5s --retries=3 CMD true
---
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
---
ENV PATH=/opt/bin:$PATH PYTHONPATH=/opt
---
RUN export A=1 && ./configure
---
RUN A=1 && B=$A && echo $B
---
RUN git submodule update --init && git lfs pull && git -C /x config --global a b
---
RUN curl --fail --silent --show-error --location --retry 5 --proto '=https' --tlsv1.2 https://example.org | sh
---
RUN set -o errexit && apt-get update
---
RUN code --version || true; node --version || true
---
USER 1000
RUN pip install --user a
USER root
RUN apt-get update
---
RUN	apt-get	update	&&	apt-get	install	-y	gcc
---
RUN apt-get update && apt-get install -y gcc   
""".strip("\n").split("\n---\n")

DOCKERFILES = r"""
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y gcc
CMD ["bash"]
---
ARG TAG=bookworm
FROM debian:${TAG} AS build
ARG TAG
RUN --mount=type=cache,target=/var/lib/apt apt-get install -y gcc
FROM scratch
COPY --from=build /usr/bin/gcc /gcc
ENTRYPOINT ["/gcc"]
---
# syntax=docker/dockerfile:1
FROM --platform=linux/amd64 python:3.11 as a
WORKDIR /x
COPY --link --chmod=755 run.sh ./
FROM a
COPY --from=0 /x /x
ONBUILD RUN true
---
FROM debian
COPY <<EOF /etc/a.conf
[x]
RUNN
EOF
---
FROM debian
RUN --mount=type=secret,id=token,target=/t --mount=type=bind,source=.,target=/s cat /t
---
FROM myown/base
RUN sudo apt-get install -y gcc
---
FROM debian
ENV V=$X
ENV X=1
---
FROM debian
RUN <<EOF python3
print('x
EOF
---
FROM debian
RUN <<EOF
#!/usr/bin/env python3
print("(")
EOF
---
# escape=`
FROM windows
RUN dir `
  c:\
---
# escape=`
FROM debian
# a comment
RUN apt-get update `
  # another
  && apt-get install -y curl `
  && echo "$(date) `date`" \
ENV A=a` b B=c:\x
COPY my` app.py /c
---
FROM debian
ADD --checksum=sha256:abababababababababababababababababababababababababababababababab https://example.org/a /a
ADD --keep-git-dir=true https://github.com/a/b.git#v1 /b
---
FROM a AS one
FROM one AS two
ENV A=1
FROM two
COPY --from=one /a /b
COPY --from=nginx /etc/nginx /n
""".strip("\n").split("\n---\n")


@pytest.mark.parametrize("text", STEPS)
def test_steps_that_are_right_pass(text: str) -> None:
    assert faults(text, "") == []


@pytest.mark.parametrize("text", [text for text in STEPS if "update" in text or not re.search("apt|sudo", text)])
def test_steps_that_are_right_pass_on_an_official_base_too(text: str) -> None:
    assert faults(text, "debian:bookworm-slim") == []


def faults(text: str, base: str) -> list[str]:
    # what Debian's own image does not have, it certainly has not; the rest is as right there as elsewhere
    passed = {"buildkit-only"} | ({"program-missing", "file-missing", "program-unknown"} if base else set())
    found = lint_steps(parse_steps(text, "steps"), context_files=FILES, base=base)
    return [one.why for one in found if one.rule not in passed]


@pytest.mark.parametrize("text", DOCKERFILES)
def test_dockerfiles_that_are_right_pass(text: str) -> None:
    found = lint_dockerfile(text, where="dockerfile", context_files=FILES)

    assert [one.why for one in found if one.rule != "program-missing"] == []


ON_A_BASE = (
    ("debian:bookworm-slim", "RUN apt-get update && apt-get install -y git python3-pip\nRUN git --version && pip3 -V"),
    ("debian:bookworm-slim", "RUN perl -v && tar --version && gzip -V && sed --version && awk 1 /dev/null"),
    ("debian:bookworm-slim", "RUN if command -v git; then git --version; fi; which curl || true"),
    ("debian:bookworm-slim", "COPY --from=builder /usr/bin/jq /usr/bin/\nRUN jq --version"),
    (
        "ubuntu:22.04",
        "RUN apt-get update && apt-get install -y build-essential cmake\nRUN gcc -v && make -v && cmake --version",
    ),
    (
        "ubuntu:22.04",
        "ADD https://example.org/m.sh /tmp/m.sh\nRUN bash /tmp/m.sh -b -p /opt/conda\nRUN conda list && python -V",
    ),
    ("python:3.11-slim", "RUN pip install poetry==1.8 'uv>=0.4' && poetry --version && uv --version"),
    ("python:3.11-slim", "RUN pip install -r /r.txt\nRUN jq --version"),
    ("node:20-slim", "RUN npm install -g pnpm@9 && pnpm -v"),
    ("amazonlinux:2023", "RUN dnf install -y python3 git && python3 -V && git --version"),
    ("contoso.azurecr.io/base:1", "RUN git --version && conda -V && sudo -V"),
)


@pytest.mark.parametrize(("base", "text"), ON_A_BASE)
def test_a_program_that_came_or_that_nobody_knows_of_is_not_missed(base: str, text: str) -> None:
    found = lint_steps(parse_steps(text, "steps"), context_files=None, base=base)

    assert [one.why for one in found if one.rule.startswith("program-")] == []


def test_the_corpus_is_large() -> None:
    assert len(set(STEPS)) >= 150
