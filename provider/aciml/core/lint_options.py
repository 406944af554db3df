"""Options of programs that are mistyped.

Sources: apt-get(8), ``pip <command> --help`` (pip 25), ``conda install --help`` (conda 24), apk(8), ``curl --help all``
(curl 7.88), ``wget --help``, git 2.47, tar 1.35, coreutils 9.5, shadow 4.16, Debian's adduser 3.137, poetry 2, uv 0.9.
Newer versions know more, so only what is near to an option that there is counts.
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
_GIT = words_of(
    "--quiet --verbose --help --branch --depth --single-branch --no-single-branch --recursive"
    " --recurse-submodules --no-recurse-submodules --shallow-submodules --no-shallow-submodules"
    " --remote-submodules --jobs --bare --mirror --no-checkout --no-tags --tags --origin --config --template"
    " --reference --reference-if-able --dissociate --separate-git-dir --filter --sparse --upload-pack --local"
    " --no-local --no-hardlinks --shared --progress --shallow-since --shallow-exclude --reject-shallow"
    " --no-reject-shallow --server-option --ipv4 --ipv6 --bundle-uri --also-filter-submodules --ref-format"
    " --no-remote-submodules --revision --force --detach --orphan --track --no-track --merge --conflict --patch"
    " --ours --theirs --ignore-skip-worktree-bits --overlay --no-overlay --guess --no-guess --pathspec-from-file"
    " --pathspec-file-nul --no-progress --init --remote --no-fetch --rebase --checkout --no-recommend-shallow"
    " --recommend-shallow --all --append --atomic --unshallow --update-shallow --update-head-ok --prune"
    " --prune-tags --keep --multiple --no-auto-maintenance --auto-maintenance --no-auto-gc --auto-gc"
    " --set-upstream --deepen --dry-run --refmap --show-forced-updates --no-show-forced-updates --stdin --hard"
    " --soft --mixed --initial-branch --object-format --ff --no-ff --ff-only --no-rebase --no-edit --edit --squash"
    " --commit --no-commit --strategy --strategy-option --allow-unrelated-histories --stat --no-stat --autostash"
    " --no-autostash --signoff --verify --no-verify --no-gpg-sign --gpg-sign --cleanup --global --system"
    " --worktree --file --blob --add --get --get-all --get-regexp --unset --unset-all --replace-all"
    " --remove-section --rename-section --list --type --bool --int --null --name-only --show-origin --show-scope"
    " --default --no-includes --includes --fixed-value --no-filter --negotiate-only --negotiation-tip"
    " --write-fetch-head --no-write-fetch-head --porcelain --verify-signatures --value --url --comment --regexp"
    " --path --expiry-date --bool-or-int --bool-or-str --get-urlmatch --get-color --get-colorbool --no-type"
    " --ignore-other-worktrees --no-dissociate --no-keep --no-all --no-quiet --no-verbose"
)
_GIT_VERBS = ("clone", "checkout", "pull", "fetch", "submodule", "init", "config")
_TAR = words_of(
    "--extract --get --create --list --append --update --concatenate --diff --compare --delete --file --directory"
    " --gzip --gunzip --ungzip --bzip2 --xz --lzma --lzip --lzop --zstd --compress --uncompress --auto-compress"
    " --no-auto-compress --use-compress-program --verbose --verify --strip-components --transform --xform"
    " --exclude --exclude-from --exclude-vcs --exclude-caches --exclude-tag --wildcards --no-wildcards"
    " --no-wildcards-match-slash --wildcards-match-slash --anchored --no-anchored --ignore-case --no-ignore-case"
    " --owner --group --numeric-owner --mode --mtime --sort --same-owner --no-same-owner --same-permissions"
    " --preserve-permissions --no-same-permissions --preserve-order --keep-old-files --skip-old-files --overwrite"
    " --overwrite-dir --unlink-first --recursive-unlink --no-overwrite-dir --keep-directory-symlink"
    " --keep-newer-files --touch --absolute-names --dereference --hard-dereference --files-from --null --no-null"
    " --no-recursion --recursion --one-file-system --to-stdout --to-command --totals --checkpoint"
    " --checkpoint-action --format --posix --old-archive --portability --pax-option --label --sparse"
    " --hole-detection --occurrence --remove-files --warning --no-check-device --check-device --newer --after-date"
    " --newer-mtime --starting-file --record-size --blocking-factor --force-local --rsh-command --rmt-command"
    " --acls --no-acls --selinux --no-selinux --xattrs --no-xattrs --xattrs-include --xattrs-exclude"
    " --show-transformed-names --show-stored-names --quoting-style --no-quote-chars --quote-chars --full-time"
    " --utc --block-number --index-file --interactive --confirmation --backup --suffix --ignore-failed-read"
    " --ignore-zeros --read-full-records --help --usage --version --multi-volume --tape-length --volno-file"
    " --new-volume-script --info-script --seek --no-seek --incremental --listed-incremental --level --add-file"
    " --clamp-mtime --atime-preserve --one-top-level --no-delay-directory-restore --delay-directory-restore"
    " --ignore-command-error --no-ignore-command-error --restrict --no-unquote --unquote --verbatim-files-from"
    " --no-verbatim-files-from --owner-map --group-map --set-mtime-command"
)
_USERADD = words_of(
    "--badname --base-dir --btrfs-subvolume-home --comment --home-dir --defaults --expiredate --inactive"
    " --add-subids-for-system --gid --groups --help --skel --key --no-log-init --create-home --no-create-home"
    " --no-user-group --non-unique --password --system --root --prefix --shell --uid --user-group --selinux-user"
    " --selinux-range --home --force-badname"
)
_GROUPADD = words_of("--force --gid --help --key --non-unique --password --system --root --prefix --users")
_ADDUSER = words_of(
    "--disabled-login --disabled-password --gecos --gid --group --home --ingroup --no-create-home --quiet --shell"
    " --system --uid --firstuid --lastuid --force-badname --add_extra_groups --add-extra-groups --encrypt-home"
    " --debug --conf --help --version --comment --allow-badname --allow-bad-names --allow-all-names --verbose"
    " --firstgid --lastgid --stdoutmsglevel --stderrmsglevel --logmsglevel --no-home --uidpool --gidpool"
    " --only-if-empty --create-home --user-group --groups --home-dir --no-user-group --skel --non-unique"
    " --password"
)
_CORE: dict[str, str] = {
    "mkdir": "--mode --parents --verbose --context --help --version",
    "rm": "--force --recursive --dir --verbose --interactive --one-file-system --no-preserve-root --preserve-root"
          " --help --version",
    "cp": "--archive --attributes-only --backup --copy-contents --debug --dereference --force --interactive --link"
          " --no-clobber --no-dereference --no-preserve --no-target-directory --one-file-system --parents --preserve"
          " --recursive --reflink --remove-destination --sparse --strip-trailing-slashes --suffix --symbolic-link"
          " --target-directory --update --verbose --context --keep-directory-symlink --help --version",
    "mv": "--backup --debug --exchange --force --interactive --no-clobber --no-copy --strip-trailing-slashes --suffix"
          " --target-directory --no-target-directory --update --verbose --context --help --version",
    "ln": "--backup --directory --force --interactive --logical --no-dereference --physical --relative --suffix"
          " --symbolic --target-directory --no-target-directory --verbose --help --version",
    "chmod": "--changes --dereference --no-dereference --quiet --silent --verbose --no-preserve-root --preserve-root"
             " --reference --recursive --help --version",
    "chown": "--changes --dereference --no-dereference --from --no-preserve-root --preserve-root --quiet --silent"
             " --reference --recursive --verbose --help --version",
    "sed": "--quiet --silent --debug --expression --file --follow-symlinks --in-place --line-length --posix"
           " --regexp-extended --separate --sandbox --unbuffered --null-data --zero-terminated --binary --help"
           " --version",
}  # fmt: skip
_POETRY = words_of(
    "--without --with --only --sync --no-root --no-directory --dry-run --extras --all-extras --all-groups"
    " --only-root --compile --remove-untracked --no-dev --help --quiet --verbose --version --ansi --no-ansi"
    " --no-interaction --no-plugins --no-cache --directory --project --dev --default"
)
_UV_PIP = words_of(
    "--requirements --requirement --editable --constraints --constraint --overrides --override"
    " --build-constraints --extra --all-extras --upgrade --upgrade-package --reinstall --reinstall-package --index"
    " --default-index --index-url --extra-index-url --find-links --no-index --index-strategy --keyring-provider"
    " --resolution --prerelease --pre --fork-strategy --config-setting --config-settings --config-settings-package"
    " --no-build-isolation --no-build-isolation-package --exclude-newer --exclude-newer-package --link-mode"
    " --compile-bytecode --no-compile-bytecode --compile --no-compile --no-sources --no-sources-package --refresh"
    " --refresh-package --no-deps --require-hashes --no-require-hashes --verify-hashes --no-verify-hashes --python"
    " --system --no-system --break-system-packages --no-break-system-packages --target --prefix --no-build --build"
    " --no-binary --only-binary --python-version --python-platform --exact --no-exact --strict --no-strict"
    " --dry-run --torch-backend --group --quiet --verbose --color --native-tls --no-native-tls --offline"
    " --no-offline --allow-insecure-host --no-progress --directory --project --config-file --no-config --help"
    " --version --no-cache --cache-dir --managed-python --no-managed-python --no-python-downloads --trusted-host"
    " --user --no-cache-dir --excludes --allow-empty-requirements --force-reinstall --upgrade-strategy --isolated"
    " --preview --preview-features --show-settings --python-preference --python-fetch --allow-python-downloads"
    " --system-certs"
)
_BY_VERB = {
    ("pip", "install"): _PIP_INSTALL, ("pip", "download"): _PIP_INSTALL, ("pip", "wheel"): _PIP_INSTALL,
    ("pip", "uninstall"): _PIP_UNINSTALL,
    **{(name, verb): _CONDA for name in ("conda", "mamba", "micromamba")
       for verb in ("install", "create", "update", "upgrade", "remove", "uninstall", "clean")},
    **{(name, verb): _APT for name in ("apt", "apt-get")
       for verb in ("install", "update", "upgrade", "dist-upgrade", "full-upgrade", "remove", "purge", "autoremove",
                    "clean", "build-dep", "autoclean", "reinstall", "download", "source", "satisfy")},
    **{("git", verb): _GIT for verb in _GIT_VERBS},
    ("poetry", "install"): _POETRY, ("poetry", "sync"): _POETRY,
    ("apk", "add"): _APK, ("apk", "update"): _APK, ("apk", "del"): _APK, ("apk", "upgrade"): _APK,
    ("npm", "install"): _NPM, ("npm", "ci"): _NPM, ("npm", "i"): _NPM,
    **{(name, verb): _DNF for name in ("yum", "dnf", "microdnf")
       for verb in ("install", "update", "upgrade", "remove", "clean")},
}  # fmt: skip
_PLAIN = {
    "curl": _CURL, "wget": _WGET, "tar": _TAR, "useradd": _USERADD, "groupadd": _GROUPADD, "adduser": _ADDUSER,
    **{name: words_of(options) for name, options in _CORE.items()},
}  # fmt: skip
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
_BY_LETTER = {"apt", "apt-get", "pip", "git"}
"""Programs that refuse an option of one letter which they do not know, such as the second one of ``-quiet``."""
_LENIENT = {"npm"}
"""Programs that pass over an option which they do not know."""


def option_faults(name: str, verb: Word, command: Command) -> Iterator[Fault]:
    """Judge the options of a tool's command."""
    name = "pip" if name == "pip3" else name
    words = [word for word in command.words if word.at >= verb.at]
    known = _BY_VERB.get((name, verb.value or ""))
    if name in {"conda", "mamba", "micromamba"} and verb.value == "env":
        known = _CONDA
    if name == "uv" and verb.value == "pip" and len(words) > 1 and words[1].value in {"install", "sync"}:
        known = _UV_PIP
    if known:
        # an option that is passed over fails nothing: a warning at most
        certain = command.certain and name not in _LENIENT
        yield from _of_others(name, verb, words, certain=certain)
        # apt's are the same in front of its command
        told = list(command.words[1:]) if known is _APT else words
        yield from _mistyped(f"{name} {verb.value}", told, known, certain=certain, whole=known is _APT)
    if name == "pip" and (short := _PIP_SHORT.get(verb.value or "")):
        for word in words:
            value = word.value or ""
            if re.fullmatch(r"-[A-Za-z]", value) and value[1] not in short:
                advice = "leave it out" + (": pip install asks nothing" if value == "-y" else "")
                yield fault_if(
                    command.certain, "option-unknown", word.at, f"pip {verb.value} has no option {value}", advice
                )


def _of_others(name: str, verb: Word, words: list[Word], *, certain: bool) -> Iterator[Fault]:
    # the one command of pip that asks, and so has --yes
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
        # POSIX, Utility Syntax Guidelines, 10: what follows is no option, whatever it looks like
        if value == "--":
            return
        if wrong := _dashes_of(value, known, whole=whole):
            yield fault_if(
                certain and what.split(maxsplit=1)[0] in _BY_LETTER,
                "option-unknown",
                word.at,
                f"{what} has no option {value}",
                f"did you mean {wrong}?",
            )
            continue
        # optparse, argparse and getopt_long take the beginning of an option for it (pip, conda, wget); apt does not
        if value in known or not re.fullmatch(r"--[a-z][a-z0-9._-]+", value):
            continue
        if not whole and (begun := [one for one in known if one.startswith(value)]):
            # optparse refuses what several begin with: "ambiguous option: --upgrad (--upgrade, --upgrade-strategy?)"
            if what.startswith("pip ") and len(begun) > 1 and (meant := slip(value, begun)):
                why = f"{what} has several options that begin with {value}"
                yield fault_if(certain, "option-unknown", word.at, why, f"did you mean {meant}?")
            continue
        if meant := near_option(value, known):
            yield fault_if(
                certain, "option-unknown", word.at, f"{what} has no option {value}", f"did you mean {meant}?"
            )


def _dashes_of(value: str, known: frozenset[str], *, whole: bool) -> str:
    """Return an option that was written with a dash too few, or too many."""
    # one dash begins a row of letters, each an option: -no-install-recommends is -n -o -i ...
    if re.fullmatch(r"-[a-z][a-z0-9]*-?[a-z0-9-]{2,}", value) and f"-{value}" in known:
        return f"-{value}"
    # apt takes no beginnings of options, so that --y is none
    return value[1:] if whole and re.fullmatch(r"--[a-zA-Z]", value) else ""


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
