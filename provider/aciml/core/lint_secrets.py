"""Secrets that would stay in the image, in its layers or its history; a message never repeats one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .context import split_copy
from .lint_rules import Fault, fault_if, warning
from .lint_words import pairs
from .steps import Step

_ADVICE = "give it to the container when it runs"
# Dockerfile reference, "RUN --mount=type=secret"; extra steps have no secrets of their own, a Dockerfile's has
# build_secrets
_AT_BUILD = (
    "give it to the container when it runs; if the step itself needs it, write that step in a Dockerfile, with RUN"
    " --mount=type=secret and build_secrets"
)
_NAMED = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|PWD_SECRET|TOKEN|SECRET|API_?KEY|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY"
    r"|ACCOUNT_?KEY|CLIENT_SECRET|CREDENTIALS?|CONNECTION_?STRING|PGPASSWORD|MYSQL_PWD|SAS_?TOKEN|AUTH_?TOKEN|PASS|PAT)$",
    re.IGNORECASE,
)
# what people write where the real value comes when the container runs
_HARMLESS = re.compile(
    r"|\s*|true|false|none|null|yes|no|on|off|\d{1,4}|[./~].*|x+|\*+|change-?_?me.*|dummy.*|placeholder.*|example.*|test.*"
    r"|unset|todo|your[-_ ].*|fake.*|not[-_ ]?set|<.*>|build|secret|token|password|https?://[^@]*|sha256:.*|-|default"
    r"|insert.*|replace.*|empty|n/?a|\{\{.*|__.*__|redacted|%.*|\$.*",
    re.IGNORECASE,
)
# known shapes of tokens; a word that one ends is none (task-..., disk-...)
_SHAPES = re.compile(
    r"(?<![\w-])(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40,}|glpat-[\w-]{20}|AKIA[0-9A-Z]{16}|xox[baprs]-[\w-]{20,}"
    r"|hf_[A-Za-z0-9]{34}|pypi-AgEI[\w-]{40,}|npm_[A-Za-z0-9]{36}|AIza[\w-]{35}|sk-(?:proj-|ant-(?:api\d\d-)?)?[A-Za-z0-9]{32,}"
    r"|dckr_pat_[\w-]{20,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})|AccountKey=[A-Za-z0-9+/]{60,}"
    r"|SharedAccessKey=[A-Za-z0-9+/]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|[sr]k_live_[A-Za-z0-9]{20,}|SG\.[\w-]{20,24}\.[\w-]{39,50}|ya29\.[\w-]{30,}|shp(?:at|ca|pa|ss)_[0-9a-f]{32}"
    r"|do[opr]_v1_[0-9a-f]{64}|dapi[0-9a-f]{32}|GOCSPX-[\w-]{28}|hvs\.[\w-]{24,}|lin_api_[A-Za-z0-9]{40}"
    r"|r8_[A-Za-z0-9]{37}|AGE-SECRET-KEY-1[A-Z0-9]{58}|ATATT3[\w=-]{50,}|NRAK-[A-Z0-9]{27}|key-[0-9a-f]{32}(?!\w)"
    r"|\d{8,10}:AA[\w-]{32,33}(?![\w-])|discord(?:app)?\.com/api/webhooks/\d+/[\w-]{50,}"
    r"|hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}"
    r"|//[\w./:-]+/:_(?:authToken|password)=[^\s$\"'{}<>]{8,}"
)
# scheme://user:password@host; a variable or a sign for one is no password
_ACCOUNT = re.compile(
    r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'$<{]*:(?![$<*{%@\[]|x-oauth-basic@|(?:user|pass(?:word)?|secret|token|x+)@)"
    r"[^\s/:@\"'$<>{}]+@[\w.-]+"
)
_SAS = re.compile(r"[?&]sig=[A-Za-z0-9%+/]{20,}")
_BEARER = re.compile(r"(?i:authorization):\s*(?i:bearer|basic|token)\s+(?![$<{`])([A-Za-z0-9._~+/=-]{8,})")
_HEADER = re.compile(
    r"(?i:x-api-key|x-auth-token|private-token|api-key|ocp-apim-subscription-key):\s*(?![$<{`\s])([\w.~+/=-]{8,})"
)
_NETRC = re.compile(r"\bmachine\s+[^\s\\]+(?:\s|\\n)+login\s+[^\s\\]+(?:\s|\\n)+password\s+(?![$<{\"'])[^\s\"'\\]{3,}")
_CONNECTION = re.compile(
    r"(?i)\b(?:server|data source|host|user id|uid|accountname)\s*=[^;\n]{1,200};[^\n]{0,400}?"
    r"\b(?:password|pwd)\s*=(?![$<{%])[^;\s\"'$]{3,}"
)
_QUERY = re.compile(
    r"[?&](?:api_?key|access_?token|auth_?token|token|client_?secret|password|passwd|secret)=(?![$<{%])([\w.~+/-]{8,})",
    re.IGNORECASE,
)
_AWS = re.compile(r"\baws\s+configure\s+set\s+\S*(?:secret|token)\S*\s+([^\s$\"']{12,})")
_CURL_USER = re.compile(
    r"\bcurl\b[^&|;\n]{0,400}?\s(?:-u|--user|--proxy-user)[ =]?[\"']?"
    r"[^\s:$\"'{<-][^\s:$\"'{<]*:(?![$<{\"'\s])[^\s\"'$]{2,}"
)
_OPTION = re.compile(
    r"\s--(?:http-|ftp-|proxy-)?(?:password|passwd|secret|token|api-key|client-secret|access-key|secret-key"
    r"|account-key|sas-token|auth-token)"
    r"[= ](?![$<{\"'\s-]|/)([^\s\"'$]{4,})"
)
_LOGIN = re.compile(
    r"\b(?:docker|podman|az|helm|oc|mysql|sshpass|twine|useradd|usermod|skopeo|buildah|redis-cli)\b[^&|;\n]{0,400}?\s-p\s?[\"']?(?![$<{\"'\s-])([^\s\"'$/]{4,})"
)
_CHPASSWD = re.compile(r"[\"'\s]\w+:(?![$<{*!])([^\s\"'$:]{3,})[\"']?\s*\|\s*(?:sudo\s+)?chpasswd\b")
_PASSWD = re.compile(r"\b(?:echo|printf)\s+[\"']?(?![$<{])([^\s\"'$|\\]{4,})[^|\n]{0,40}\|\s*(?:sudo\s+)?passwd\b")
_WRITTEN = re.compile(
    r"\b(?:echo|printf)\b[^|\n]{0,400}?(?<![A-Za-z])(?:password|passwd|passphrase|secret|secret_?key|api_?key|token)"
    r"[\"']?\s*[:=]\s*[\"']?(?=[^\s\"'$]*\d)(?=[^\s\"'$]*[A-Za-z])(?![$<{])([^\s\"'$<>{}\\]{8,})",
    re.IGNORECASE,
)
_CERTAIN = (_SHAPES, _ACCOUNT, _SAS, _BEARER, _HEADER, _NETRC, _CURL_USER, _CONNECTION)
_LIKELY = (_OPTION, _LOGIN, _CHPASSWD, _PASSWD, _QUERY, _AWS, _WRITTEN)
_RUN_ASSIGNS = re.compile(r"(?:^|[\s;&|(])(?:export\s+)?([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|[^\s;&|)]*)")
_KEY_FILES = re.compile(
    r"(.*/)?(\.env(\.(?!example|sample|template|dist|default)[\w.-]+)?|\.netrc|_netrc|\.pypirc|\.pgpass|\.git-credentials"
    r"|id_(rsa|dsa|ecdsa|ed25519)|\.ssh/?|\.aws(/credentials)?/?|\.azure/?|\.kube/config|\.docker/config\.json|\.htpasswd"
    r"|(service-?account|gcp-?key|client_secret|credentials)[\w-]*\.json|\.vault[-_]pass\w*|secrets?\.(ya?ml|json|toml|env)"
    r"|(.*[._-])?(private|priv|server|tls|client|ssl)?[._-]?key\.pem|privkey\.pem|[\w.-]+\.(key|pfx|p12|ppk|jks|keystore))",
    re.IGNORECASE,
)


def secret_faults(step: Step, text: str, at: int) -> Iterator[Fault]:
    """Judge any text by the known shapes of secrets, values of ENV and ARG by their names, and files by theirs."""
    certain = [found.start() for shape in _CERTAIN for found in shape.finditer(text) if not _is_example(found[0])]
    if certain:
        why = "a password or token in plain text stays in the image for all to read"
        yield Fault("secret", min(certain), why, _advice(step))
        return
    # a value that is told by its name is not told again by its look
    named = list(_by_name(step, text, at))
    yield from named
    yield from _files(step, text, at)
    if named or step.instruction not in {"RUN", "ENV", "ARG", "ADD", "CMD", "ENTRYPOINT", "HEALTHCHECK"}:
        return
    for shape in _LIKELY:
        for found in shape.finditer(text):
            if not _HARMLESS.fullmatch(found[1].strip("\"'")):
                yield warning(
                    "secret", found.start(1), "a password seems to stand here, for all to read", _advice(step)
                )
                return


def _advice(step: Step) -> str:
    return _AT_BUILD if step.instruction in {"RUN", "ARG"} else _ADVICE


def _is_example(text: str) -> bool:
    # RFC 2606: names for examples of hosts; a password beside one may be real
    shown = re.sub(r"example\.(org|com|net)|[\w-]\.example\b", "", text)
    return bool(
        re.search(r"(?i)your[-_]|example|placeholder|changeme|xxxx|\*\*\*|dummy", shown.rpartition("@")[0] or shown)
    )


def _by_name(step: Step, text: str, at: int) -> Iterator[Fault]:
    if step.instruction in {"ENV", "ARG"}:
        found = pairs(text, at)
    elif step.instruction == "RUN":
        head = text[at:].partition("\n")[0]
        found = [(one[1], one[2], at + one.start(1)) for one in _RUN_ASSIGNS.finditer(head)]
    else:
        return
    for name, value, place in found:
        plain = value.strip("\"'")
        if not _NAMED.search(name) or re.search(r"[$`(]", plain) or _HARMLESS.fullmatch(plain):
            continue
        # a word such as prod or postgres may be no secret; letters with digits are hardly anything else
        sure = (
            (
                step.instruction != "RUN"
                or (len(plain) >= 30 and re.search(r"[a-z]", plain) and re.search(r"[A-Z]", plain))
            )
            and len(plain) >= 6
            and bool(re.search(r"\d", plain) and re.search(r"[A-Za-z]", plain))
        )
        # COMPASS and PATH end so, and are none
        short = re.search(r"(?i)(pass|pat)$", name) and not re.search(r"(?i)(^|_)(pass|pat)$", name)
        if not short:
            yield fault_if(
                sure or _is_password(name, step, plain),
                "secret",
                place,
                f"the value of {name} stays in the image for all to read",
                _ADVICE,
            )


def _is_password(name: str, step: Step, plain: str) -> bool:
    strong = re.search(r"(?i)(secret_?(access_?)?key|access_?key)$", name) and len(plain) > 10
    return bool(strong) and step.instruction != "RUN"


def _files(step: Step, text: str, at: int) -> Iterator[Fault]:
    if step.instruction not in {"COPY", "ADD"} or step.heredoc:
        return
    flags, words = split_copy(step.arguments)
    for source in words[:-1] if "from" not in flags else []:
        # a public key is made to be shown
        if _KEY_FILES.fullmatch(source) and not source.lower().endswith((".pub", ".pub.pem", "pubkey.pem")):
            why = f"{source} usually holds secrets, and stays in the image for all to read"
            yield warning("secret-file", max(text.find(source, at), at), why, "mount it as a secret where it is needed")
