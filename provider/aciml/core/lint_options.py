"""Options of programs that are mistyped.

Sources: apt-get(8), ``pip <command> --help`` (pip 25), ``conda install --help`` (conda 24), apk(8), ``curl --help all``
(curl 7.88), ``wget --help``. Newer versions know more, so only what is near to an option that there is counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .lint_rules import Fault, fault_if, slip, words_of
from .shell import Command, Word

_APT = words_of(
    "--yes --assume-yes --assume-no --quiet --no-install-recommends --install-recommends --install-suggests"
    " --no-install-suggests --fix-missing --fix-broken --no-remove --no-upgrade --only-upgrade"
    " --allow-downgrades --allow-remove-essential --allow-change-held-packages --allow-unauthenticated"
    " --allow-insecure-repositories --allow-releaseinfo-change --force-yes --download-only --simulate"
    " --just-print --dry-run --recon --no-act --purge --auto-remove --autoremove --reinstall --print-uris"
    " --target-release --default-release --option --config-file --no-download --ignore-missing --ignore-hold"
    " --show-upgraded --verbose-versions --host-architecture --build-profiles --no-list-cleanup"
    " --list-cleanup --trivial-only --only-source --diff-only --dsc-only --tar-only --arch-only --indep-only"
    " --show-progress --with-new-pkgs --no-allow-insecure-repositories --error-on --upgradable --installed"
    " --all-versions --no-show-progress --solver --no-strict-pinning --version --help --no-purge --compile"
    " --build --format --no-auto-remove --no-autoremove --update --no-triggers --interactive-solver"
)
_PIP_ALL = words_of(
    "--help --debug --isolated --require-virtualenv --python --verbose --version --quiet --log --no-input"
    " --keyring-provider --proxy --retries --timeout --exists-action --trusted-host --cert --client-cert"
    " --cache-dir --no-cache-dir --no-cache --disable-pip-version-check --no-color"
    " --no-python-version-warning --use-feature --use-deprecated --resume-retries --default-timeout"
    " --log-file --local-log"
)
_PIP_INSTALL = _PIP_ALL | words_of(
    "--abi --break-system-packages --check-build-dependencies --compile --config-settings --config-setting"
    " --constraint --dry-run --editable --extra-index-url --find-links --force-reinstall --global-option"
    " --group --hash --ignore-installed --ignore-requires-python --implementation --index-url --no-binary"
    " --no-build-isolation --no-clean --no-compile --no-deps --no-dependencies --no-index --no-use-pep517"
    " --no-warn-conflicts --no-warn-script-location --only-binary --platform --pre --prefer-binary --prefix"
    " --progress-bar --python-version --report --require-hashes --requirement --root --root-user-action --src"
    " --source --source-dir --source-directory --target --upgrade --upgrade-strategy --use-pep517 --user"
    " --no-user --install-option --build --build-dir --process-dependency-links --egg --dest --wheel-dir"
    " --build-option --no-verify --pypi-url --download --download-dir --build-constraint --uploaded-prior-to"
    " --requirements-from-script --all-releases --only-final --no-download --use-wheel --no-use-wheel"
    " --use-mirrors --mirrors --always-unzip"
)
_PIP_UNINSTALL = _PIP_ALL | words_of("--requirement --yes --root-user-action --break-system-packages")
_CONDA = words_of(
    "--yes --name --prefix --channel --override-channels --use-local --file --force-reinstall --no-deps"
    " --only-deps --no-pin --freeze-installed --no-update-deps --update-deps --update-all --all"
    " --update-specs --strict-channel-priority --no-channel-priority --copy --no-shortcuts --shortcuts-only"
    " --quiet --verbose --json --debug --dry-run --offline --download-only --show-channel-urls --insecure"
    " --clobber --repodata-fn --experimental --no-lock --solver --console --revision --dev --help --clone"
    " --no-default-packages --platform --subdir --force --force-remove --features --mkdir"
    " --satisfied-skip-solve --ignore-pinned --index-cache --packages --tarballs --tempfiles --logfiles"
    " --force-pkgs-dirs --prune --alias --only-download --rc-file --no-rc --no-env --root-prefix"
    " --safety-checks --retry-clean-cache --python --lockfile --category --pyc --no-pyc --trash --locks"
    " --no-py-pin --py-pin --channel-priority --ssl-verify --cacert-path --allow-downgrade --allow-uninstall"
    " --log-level --channel-alias --freeze --keep-env --all-envs --environment-specifier"
)
_APK = words_of(
    "--no-cache --update --update-cache --upgrade --virtual --repository --allow-untrusted --quiet --verbose"
    " --force --no-progress --root --arch --keys-dir --repositories-file --initdb --no-scripts --no-network"
    " --latest --simulate --purge --rdepends --no-chown --clean-protected --overlay-from-stdin --available"
    " --interactive --progress --wait --cache-dir --cache-max-age --timeout --help --version --depends"
    " --force-overwrite --force-broken-world --no-logfile --force-refresh --force-old-apk"
    " --force-non-repository --force-binary-stdout --force-missing-repositories --print-arch --preserve-env"
    " --no-interactive --cache-packages --legacy-info --usermode --root-tmpfs --prune --ignore"
)
_CURL = words_of(
    "--append --basic --cacert --capath --cert --cert-type --ciphers --compressed --config --connect-timeout"
    " --connect-to --continue-at --cookie --cookie-jar --create-dirs --data --data-ascii --data-binary"
    " --data-raw --data-urlencode --digest --disable --dump-header --fail --fail-early --fail-with-body"
    " --form --form-string --ftp-create-dirs --get --globoff --head --header --help --http1.0 --http1.1"
    " --http2 --http3 --include --insecure --interface --ipv4 --ipv6 --json --key --keepalive-time"
    " --limit-rate --list-only --location --location-trusted --max-filesize --max-redirs --max-time"
    " --negotiate --netrc --netrc-file --netrc-optional --next --no-buffer --no-keepalive --no-progress-meter"
    " --noproxy --ntlm --oauth2-bearer --output --output-dir --parallel --parallel-max --pass --path-as-is"
    " --post301 --post302 --post303 --progress-bar --proto --proto-default --proto-redir --proxy"
    " --proxy-header --proxy-insecure --proxy-user --range --rate --raw --referer --remote-header-name"
    " --remote-name --remote-name-all --remote-time --remove-on-error --request --resolve --retry"
    " --retry-all-errors --retry-connrefused --retry-delay --retry-max-time --show-error --silent --socks4"
    " --socks5 --speed-limit --speed-time --ssl --ssl-reqd --sslv2 --sslv3 --stderr --tcp-nodelay --time-cond"
    " --tls-max --tlsv1 --tlsv1.0 --tlsv1.1 --tlsv1.2 --tlsv1.3 --trace --trace-ascii --trace-time"
    " --unix-socket --upload-file --url --user --user-agent --verbose --version --write-out --no-location"
    " --no-fail --no-silent --no-verbose --no-insecure --anyauth --aws-sigv4 --create-file-mode --no-clobber"
    " --etag-compare --etag-save --hsts --pinnedpubkey --preproxy --quote --skip-existing"
)
_WGET = words_of(
    "--accept --adjust-extension --append-output --ask-password --auth-no-challenge --background --base"
    " --body-data --body-file --ca-certificate --ca-directory --certificate --ciphers --compression --config"
    " --connect-timeout --content-disposition --continue --convert-links --crl-file --cut-dirs --debug"
    " --delete-after --directory-prefix --dns-timeout --domains --execute --follow-ftp --force-directories"
    " --ftp-password --ftp-user --header --help --https-only --http-password --http-user --ignore-case"
    " --input-file --inet4-only --inet6-only --level --limit-rate --load-cookies --max-redirect --method"
    " --mirror --no-cache --no-check-certificate --no-clobber --no-config --no-cookies --no-directories"
    " --no-dns-cache --no-hsts --no-http-keep-alive --no-host-directories --no-if-modified-since --no-iri"
    " --no-parent --no-passive-ftp --no-proxy --no-verbose --output-document --output-file --page-requisites"
    " --password --post-data --post-file --prefer-family --private-key --progress --proxy-password"
    " --proxy-user --quiet --quota --read-timeout --recursive --referer --reject --retry-connrefused"
    " --retry-on-http-error --save-cookies --secure-protocol --server-response --show-progress --span-hosts"
    " --spider --start-pos --timeout --timestamping --tries --trust-server-names --user --user-agent"
    " --verbose --version --wait --waitretry --no-netrc --no-glob --proxy --cookies --clobber --hsts"
    " --no-use-server-timestamps --retry-on-host-error --unlink --xattr --no-show-progress"
    " --check-certificate --cache"
)
_NPM = words_of(
    "--omit --include --production --only --global --save --save-dev --save-exact --no-save --force"
    " --legacy-peer-deps --ignore-scripts --no-audit --no-fund --audit --fund --prefix --registry --loglevel"
    " --silent --quiet --verbose --prefer-offline --unsafe-perm --no-optional --workspace --workspaces"
    " --cache --yes --progress --no-progress --no-package-lock --if-present --strict-ssl --build-from-source"
    " --location --offline --no-bin-links --dry-run --dev --package-lock --save-optional --foreground-scripts"
    " --no-update-notifier --network-timeout --fetch-retries --fetch-timeout --maxsockets --userconfig"
)
_DNF = words_of(
    "--assumeyes --assumeno --quiet --verbose --enablerepo --disablerepo --setopt --installroot --releasever"
    " --nodocs --nogpgcheck --allowerasing --skip-broken --best --nobest --refresh --exclude --security"
    " --repo --repofrompath --downloadonly --downloaddir --cacheonly --disableplugin --enableplugin"
    " --noplugins --config --help --version --obsoletes --showduplicates --forcearch --setopt --add-repo"
    " --set-enabled --set-disabled --enable --disable --save --dump --installed --available --no-docs --all"
    " --disable-repo --enable-repo --disableexcludes --comment --noautoremove --cron --color --debuglevel"
    " --errorlevel"
)
_BY_VERB = {
    ("pip", "install"): _PIP_INSTALL, ("pip", "download"): _PIP_INSTALL, ("pip", "wheel"): _PIP_INSTALL,
    ("pip", "uninstall"): _PIP_UNINSTALL,
    **{(name, verb): _CONDA for name in ("conda", "mamba", "micromamba")
       for verb in ("install", "create", "update", "upgrade", "remove", "uninstall", "clean")},
    **{(name, verb): _APT for name in ("apt", "apt-get")
       for verb in ("install", "update", "upgrade", "dist-upgrade", "full-upgrade", "remove", "purge", "autoremove",
                    "clean", "build-dep", "autoclean", "reinstall", "download", "source", "satisfy")},
    ("apk", "add"): _APK, ("apk", "update"): _APK, ("apk", "del"): _APK, ("apk", "upgrade"): _APK,
    ("npm", "install"): _NPM, ("npm", "ci"): _NPM, ("npm", "i"): _NPM,
    **{(name, verb): _DNF for name in ("yum", "dnf", "microdnf")
       for verb in ("install", "update", "upgrade", "remove", "clean")},
}  # fmt: skip
_PLAIN = {"curl": _CURL, "wget": _WGET}
# pip install, download and wheel (pip 25); -y belongs to uninstall
_PIP_SHORT = {"install": "rcetdbUIhvVqifC", "download": "rcdbhvVqif", "wheel": "rcewbhvVqifC", "uninstall": "ryhvVq"}
_INSTEAD = {
    ("apt-get", "--no-recommends"): "--no-install-recommends", ("apt", "--no-recommends"): "--no-install-recommends",
    ("apt-get", "--no-suggests"): "--no-install-suggests", ("apt", "--no-suggests"): "--no-install-suggests",
    ("apt-get", "--no-cache"): "", ("apt", "--no-cache"): "", ("pip", "--yes"): "", ("pip", "--assume-yes"): "",
    ("apk", "--yes"): "", ("apk", "--assume-yes"): "", ("apk", "--no-install-recommends"): "",
    ("apt-get", "--no-cache-dir"): "", ("conda", "--no-cache-dir"): "", ("pip", "--channel"): "--index-url",
}  # fmt: skip
"""Options of other programs, and what is meant; nothing if it is to be left out."""
_LENIENT = {"npm"}
"""Programs that pass over an option which they do not know."""


def option_faults(name: str, verb: Word, command: Command) -> Iterator[Fault]:
    """Judge the options of a tool's command."""
    name = "pip" if name == "pip3" else name
    words = [word for word in command.words if word.at >= verb.at]
    known = _BY_VERB.get((name, verb.value or ""))
    if known:
        certain = command.certain and name not in _LENIENT
        yield from _of_others(name, verb, words, certain=certain)
        yield from _mistyped(f"{name} {verb.value}", words, known, certain=certain, whole=known is _APT)
    if name == "pip" and (short := _PIP_SHORT.get(verb.value or "")):
        for word in words:
            value = word.value or ""
            if re.fullmatch(r"-[A-Za-z]", value) and value[1] not in short:
                advice = "leave it out" + (": pip install asks nothing" if value == "-y" else "")
                yield fault_if(
                    command.certain, "option-unknown", word.at, f"pip {verb.value} has no option {value}", advice
                )


def _of_others(name: str, verb: Word, words: list[Word], *, certain: bool) -> Iterator[Fault]:
    if verb.value == "uninstall":
        return
    for word in words:
        if (meant := _INSTEAD.get((name, word.value or ""))) is not None:
            advice = f"write {meant}" if meant else "leave it out"
            yield fault_if(
                certain, "option-unknown", word.at, f"{name} {verb.value} has no option {word.value}", advice
            )


def plain_option_faults(name: str, command: Command) -> Iterator[Fault]:
    """Judge the options of a program without commands, such as curl."""
    if known := _PLAIN.get(name):
        yield from _mistyped(name, list(command.words[1:]), known, certain=command.certain)


def _mistyped(
    what: str, words: list[Word], known: frozenset[str], *, certain: bool, whole: bool = False
) -> Iterator[Fault]:
    for word in words:
        value = (word.value or word.raw).partition("=")[0]
        if value == "--":
            return
        # optparse, argparse and getopt_long take the beginning of an option for it (pip, conda, wget); apt does not
        if value in known or not re.fullmatch(r"--[a-z][a-z0-9._-]+", value):
            continue
        if not whole and any(one.startswith(value) for one in known):
            continue
        if meant := near_option(value, known):
            yield fault_if(
                certain, "option-unknown", word.at, f"{what} has no option {value}", f"did you mean {meant}?"
            )


def near_option(value: str, known: frozenset[str]) -> str:
    """Return the option that was meant: one slip away, or the same without one letter in its first words."""
    if meant := slip(value, known):
        return meant
    # --no-cahe is a beginning of --no-cache-dir with a slip in it
    for one in sorted(known, key=len):
        if len(value) > 7 and len(one) > len(value) and slip(value, [one[: len(value) + more] for more in (-1, 0, 1)]):
            return one
    return slip(value.replace("_", "-"), known) or _two_slips(value, known)


def _two_slips(value: str, known: frozenset[str]) -> str:
    """Return an option that has the same letters, but for two, in the same order."""
    if len(value) < 10:  # short ones are near to too many
        return ""
    for at in range(2, len(value)):
        if meant := slip(value[:at] + value[at + 1 :], known):
            return meant
    return ""
