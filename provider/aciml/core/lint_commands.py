"""Commands and options of programs that take plugins, scripts or extensions: what is near to one of theirs.

Such a program may know more than any table does, so that everything here is a warning, and only a slip of the finger
counts. Sources: ``--help`` of yarn 1.22 and 4, pnpm 9, bun 1.1, deno 2, cargo 1.80, rustup 1.27, go 1.23, RubyGems
3.5, Bundler 2.5, pipx 1.7, pdm 2.18, hatch 1.12, pixi 0.30, .NET SDK 8, Homebrew 4, helm 3, kubectl 1.30, Docker 27,
Composer 2.7, Terraform 1.9, R 4.4; zypper(8), rpm(8), dpkg(1), gpg(1), update-alternatives(1), cmake(1), make(1),
usermod(8), locale-gen(8) of Debian 12.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from .lint_options import near_option
from .lint_rules import Fault, slip, warning, words_of
from .shell import Command, Word

# programs, or commands of one that have commands of their own
_COMMANDS = {name: words_of(known) for name, known in {
    # both lines, 1.22 and 4: which one runs is said by a project's packageManager, and no script shows that
    "yarn": "access add audit autoclean bin build cache check config constraints create dedupe dev dlx exec explain"
            " generate generate-lock-entry global help import info init install licenses link lint list login logout"
            " node npm outdated owner pack patch patch-commit plugin policies prune publish rebuild remove run search"
            " self-update serve set stage start tag team test unlink unplug up upgrade upgrade-interactive version"
            " versions why workspace workspaces",
    "yarn global": "add bin list remove upgrade ls dir upgrade-interactive",
    "yarn cache": "clean dir list ls",
    "yarn config": "set get delete list unset",
    "yarn workspaces": "foreach focus list info run",
    "yarn set": "version resolution",
    "pnpm": "add approve-builds audit bin build c cache cat-file cat-index ci clean-install completion config create"
            " dedupe deploy dev dlx doctor env exec fetch find-hash get help i ignored-builds import info init install"
            " install-test it la licenses link lint list ll ln login logout ls m multi outdated pack patch"
            " patch-commit patch-remove ping prune publish rb rebuild recursive remove restart rm root run self-update"
            " serve server set setup show start stop store t test un uninstall unlink up update upgrade view whoami"
            " why",
    "pnpm config": "set get delete list",
    "pnpm store": "add path prune status",
    "bun": "add audit build c create exec help i info init install link outdated patch pm publish remove repl rm run"
           " test unlink update upgrade why x",
    # `deno bundle` went with version 2 and came again with 2.4: told of neither
    "deno": "add bench bundle cache check clean compile completions coverage doc eval fmt help info init install"
            " jupyter lint lsp outdated publish remove repl run serve task test types uninstall update upgrade vendor",
    # with what people install beside it: cargo runs any program cargo-WORD of PATH
    "cargo": "about add audit b bench binstall bloat build c careful chef check clean clippy component d deny dist"
             " doc edit expand fetch fix fmt fuzz generate generate-lockfile geiger hack help info init install"
             " leptos llvm-cov locate-project login logout machete make metadata miri mutants new nextest outdated"
             " owner package pgrx pkgid prune publish r read-manifest remove report rm run rustc rustdoc search"
             " semver-checks set-version shuttle sort sqlx sweep t tarpaulin tauri test tree udeps uninstall update"
             " upgrade vendor verify-project version watch web yank zigbuild",
    "rustup": "check completions component default doc help install man override run self set show target toolchain"
              " uninstall update which",
    "rustup target": "list add remove install uninstall help",
    "rustup component": "list add remove help",
    "rustup toolchain": "list install uninstall link add update remove help",
    "go": "bug build clean doc env fix fmt generate get help install list mod run telemetry test tool version vet work",
    "go mod": "download edit graph init tidy vendor verify why help",
    "go work": "edit init sync use vendor help",
    "gem": "build bump cert check cleanup compile contents dependency environment exec fetch generate_index help i"
           " info install list lock mirror open outdated owner pristine push query rdoc rebuild release search server"
           " signin signout sources specification stale uninstall uninst unpack update which yank",
    # `viz` and `issue` went with Bundler 3; images have 1.17 to 2.5
    "bundle": "add binstubs cache check clean config console doctor e env exec fund gem help i info init inject"
              " install issue list lock open outdated package platform plugin pristine remove show update version viz",
    "bundle config": "list get set unset",
    "pipx": "completions ensurepath environment help inject install install-all interpreter list pin reinstall"
            " reinstall-all run runpip uninject uninstall uninstall-all unpin upgrade upgrade-all upgrade-shared",
    "pdm": "add build cache completion config export fix import info init install list lock new outdated plugin"
           " publish py python remove run search self show sync update use venv",
    "hatch": "build clean config dep env fmt new project publish python run self shell status test version",
    "pixi": "add auth build clean completion config exec global help info init install list lock project publish"
            " reinstall remove run search self-update shell shell-hook task tree update upgrade upload workspace",
    "mamba env": "config create export list remove update vars",
    "micromamba env": "config create export list remove update vars",
    "uv tool": "run install upgrade list uninstall update-shell dir",
    "dotnet": "add build build-server clean counters dev-certs dump ef exec fake format fsi help interactive list"
              " migrate msbuild new nuget pack package paket publish reference remove restore run sdk sln solution"
              " store test tool trace user-jwts user-secrets vstest watch workload",
    "dotnet tool": "install uninstall update list run search restore execute exec",
    "dotnet nuget": "add delete disable enable list locals push remove trust update verify sign why config",
    "brew": "autoremove bundle cask cleanup config deps doctor fetch help home info install leaves link list ls"
            " outdated pin reinstall remove rm search services tap uninstall unlink unpin untap update upgrade uses",
    # zypper takes short names of all commands, so two letters are a word here
    "zypper": "addlocale addlock addrepo addservice al appstream-cache ar as cc clean dist-upgrade download dup help if"
              " in info inr install install-new-recommends licenses list-patches list-updates ll locales locks lp lr ls"
              " lu modifyrepo modifyservice mr ms nr pa packages patch patch-check patch-info patches pattern-info"
              " patterns pchk pd product-info products ps pt purge-kernels ref refresh refresh-services refs remove"
              " removelocale removelock removerepo removeservice renamerepo repo repos rl rm rr rs se search services"
              " shell si sl source-download source-install system-architecture targetos tos up update ve verify"
              " versioncmp vcmp what-provides wp",
    "helm": "completion create dep dependency env fetch get help history install lint list ls package plugin pull push"
            " registry repo rollback search show status template test uninstall upgrade verify version",
    "helm repo": "add index list remove update ls up rm",
    "helm plugin": "install list uninstall update",
    "kubectl": "annotate api-resources api-versions apply attach auth autoscale certificate cluster-info completion"
               " config cordon cp create debug delete describe diff drain edit events exec explain expose get help"
               " kustomize krew label logs options patch plugin port-forward proxy replace rollout run scale set taint"
               " top uncordon version wait",
    # buildx, compose and scout are plugins that Docker's own packages bring
    "docker": "attach build builder buildx commit compose config container context cp create diff events exec export"
              " history image images import info init inspect kill load login logout logs manifest network node pause"
              " plugin port ps pull push rename restart rm rmi run save scout search secret service stack start stats"
              " stop swarm system tag top trust unpause update version volume wait",
    "composer": "about archive audit browse bump check-platform-reqs clear-cache clearcache completion config"
                " create-project depends diagnose dump-autoload dumpautoload exec fund global help home i info init"
                " install list outdated prohibits r reinstall remove require run run-script search self-update"
                " selfupdate show status suggests u update upgrade validate why why-not",
    "terraform": "apply console destroy env fmt force-unlock get graph import init login logout metadata output plan"
                 " providers refresh show state taint test untaint validate version workspace",
    # in lower case, since words are compared so: people write R CMD INSTALL
    "R CMD": "batch build check compile config install javareconf link rd2pdf rd2txt rdconv rdiff remove rprof rtags"
             " shlib stangle sweave texi2dvi",
    # deprecated since Debian 11 and gone with 13, and in many Dockerfiles of before
    "apt-key": "add adv del export exportall finger fingerprint list net-update update",
    "jupyter": "bundlerextension console contrib dejavu execute kernel kernelspec lab labextension labhub lite migrate"
               " nbclassic nbconvert nbextension notebook nbextensions_configurator qtconsole run server"
               " serverextension troubleshoot trust book",
    "jupyter labextension": "build check develop disable enable install link list lock uninstall unlink unlock update",
    "corepack": "cache clean enable disable hydrate install pack prepare up use yarn npm pnpm",
    # the phases of the lifecycle; a goal of a plugin has a colon, by which it is no word that is compared
    "mvn": "clean compile deploy dependency exec help install integration-test package pre-clean process-classes"
           " process-resources process-test-classes site test test-compile validate verify initialize",
    "pipenv": "check clean graph install lock open requirements run scripts shell sync uninstall update upgrade verify",
    # settings that hold a list: --add to another one is refused by conda when the step runs
    "conda config --add": "channels create_default_packages default_channels envs_dirs pkgs_dirs pinned_packages"
                          " disallowed_packages allowlist_channels denylist_channels track_features",
    "git remote": "add get-url prune remove rename rm set-branches set-head set-url show update",
    "git worktree": "add list lock move prune remove repair unlock",
    "git stash": "apply branch clear create drop list pop push save show store",
    "poetry self": "add install lock remove show sync update",
    "poetry env": "activate info list remove use",
    "poetry cache": "clear list",
    "uv cache": "clean clear dir prune size",
}.items()}  # fmt: skip
_VALUES = {
    # without it the value would be taken for the command
    "yarn": "--cwd", "pnpm": "-C --dir --filter -F --filter-prod --reporter --loglevel", "zypper": "-R --root -C -D"
    " --reposdir --cache-dir --releasever --installroot", "docker": "-H --host --context -c --config -l --log-level",
    "kubectl": "-n --namespace --context --kubeconfig", "helm": "-n --namespace --kube-context --kubeconfig",
    "cargo": "--config -Z -C --color", "go": "-C", "composer": "-d --working-dir", "bundle": "--retry", "git": "-C -c",
    "mamba": "-n -p -r --root-prefix --log-level", "micromamba": "-n -p -r --root-prefix --log-level", "pdm": "-p -c",
    "poetry": "-C --directory -P --project", "uv": "--directory --project --cache-dir --config-file --python -p",
    "pixi": "--color", "dotnet": "", "hatch": "-e --env -p --project -c --config --cache-dir --data-dir",
}  # fmt: skip
"""Options in front of a command that take the word behind them."""

_YARN = (
    "--frozen-lockfile --immutable --immutable-cache --check-cache --inline-builds --mode --production --prod"
    " --non-interactive --ignore-scripts --network-timeout --no-lockfile --pure-lockfile --prefer-offline"
    " --cache-folder --silent --ignore-engines --ignore-optional --check-files --force --har --modules-folder"
    " --registry --verbose --refresh-lockfile --check-resolutions --flat --offline --dev --peer --optional --exact"
    " --tilde --ignore-workspace-root-check --latest --no-bin-links --no-default-rc --ignore-platform"
    " --skip-integrity-check --json --mutex --link-duplicates --update-checksums --no-progress --audit"
    " --network-concurrency --global-folder --preferred-cache-folder --link-folder --prefix --caret --cached --help"
    " --interactive --no-immutable --cwd --skip-builds --strict-semver --child-concurrency --update-lockfile"
)
_PNPM = (
    "--frozen-lockfile --no-frozen-lockfile --prod --production --dev --no-optional --optional --offline"
    " --prefer-offline --ignore-scripts --lockfile-only --fix-lockfile --reporter --shamefully-hoist --force"
    " --recursive --filter --filter-prod --workspace-root --ignore-workspace --ignore-workspace-root-check --store-dir"
    " --virtual-store-dir --modules-dir --no-lockfile --strict-peer-dependencies --no-strict-peer-dependencies"
    " --child-concurrency --side-effects-cache --use-store-server --config --loglevel --silent --stream"
    " --aggregate-output --dir --global --save-dev --save-prod --save-optional --save-exact --save-peer --workspace"
    " --unsafe-perm --hoist --no-hoist --shared-workspace-lockfile --node-linker --package-import-method"
    " --network-concurrency --resolution-only --public-hoist-pattern --ignore-pnpmfile --legacy --latest --help"
    " --no-verify-store-integrity --global-dir --lockfile-dir --hoist-pattern --color --no-color --allow-build"
    " --no-save --registry --userconfig --no-shamefully-hoist --merge-git-branch-lockfiles"
    " --dangerously-allow-all-builds"
)
_CARGO = (
    "--release --debug --locked --frozen --offline --path --root --git --branch --tag --rev --version --bin --bins"
    " --example --examples --test --tests --bench --benches --lib --all-targets --features --all-features"
    " --no-default-features --target --target-dir --profile --jobs --keep-going --manifest-path --package --workspace"
    " --all --exclude --verbose --quiet --color --force --no-track --registry --index --list --message-format"
    " --build-plan --unit-graph --timings --ignore-rust-version --future-incompat-report --artifact-dir --out-dir"
    " --precise --recursive --aggressive --dry-run --config --help --no-run --no-fail-fast --doc --lockfile-path"
    " --recipe-path --cook --prepare"
)
# options are per command: --production means something to yarn install, and nothing to yarn run
# the command, its options, and those of all commands of the program that have no row of their own
_OPTIONS = {name: words_of(known) for name, known in {
    "yarn": _YARN, "yarn install": _YARN, "yarn add": _YARN, "yarn global": _YARN,
    "pnpm": _PNPM, "pnpm install": _PNPM, "pnpm i": _PNPM, "pnpm add": _PNPM, "pnpm fetch": _PNPM,
    "pnpm deploy": _PNPM, "pnpm prune": _PNPM,
    **dict.fromkeys(
        ("cargo build", "cargo install", "cargo fetch", "cargo check", "cargo test", "cargo update"), _CARGO
    ),
    "uv sync": "--extra --all-extras --no-extra --dev --no-dev --only-dev --group --no-group --all-groups --only-group"
               " --no-default-groups --editable --no-editable --inexact --active --no-install-project"
               " --no-install-local"
               " --no-install-workspace --no-install-package --locked --frozen --dry-run --script --all-packages"
               " --package --upgrade --upgrade-package --reinstall --reinstall-package --index --default-index"
               " --index-url --extra-index-url --find-links --no-index --index-strategy --keyring-provider --resolution"
               " --prerelease --fork-strategy --config-setting --config-settings-package --no-build-isolation"
               " --no-build-isolation-package --exclude-newer --exclude-newer-package --link-mode --compile-bytecode"
               " --no-compile-bytecode --no-sources --no-sources-package --refresh --refresh-package --no-build"
               " --no-build-package --no-binary --no-binary-package --python --python-platform --quiet --verbose"
               " --color --native-tls --offline --allow-insecure-host --no-progress --directory --project --config-file"
               " --no-config --help --no-cache --cache-dir --managed-python --no-managed-python --no-python-downloads"
               " --check --output-format --no-upgrade --system-certs --python-preference --preview --python-fetch",
    "pipenv": "--system --deploy --dev --categories --requirements --ignore-pipfile --skip-lock --python --three --two"
              " --site-packages --clear --quiet --verbose --pypi-mirror --extra-pip-args --index --editable --venv --rm"
              " --bare --keep-outdated --pre --selective-upgrade --sequential --help --version --where --py --envs",
    "uv lock": "--check --locked --frozen --dry-run --script --upgrade --upgrade-package --index --default-index"
               " --index-url --extra-index-url --find-links --no-index --index-strategy --keyring-provider --resolution"
               " --prerelease --exclude-newer --link-mode --no-sources --refresh --refresh-package --no-build"
               " --no-binary"
               " --python --quiet --verbose --color --offline --no-progress --directory --project --config-file"
               " --no-config --help --no-cache --cache-dir --check-exists --fork-strategy --no-build-isolation",
    "zypper": "--non-interactive --gpg-auto-import-keys --no-gpg-checks --quiet --verbose --no-refresh --root"
              " --installroot --releasever --no-cd --no-remote --plus-content --userdata --color --no-color --cache-dir"
              " --help --version --reposdir --terse --table-style --no-abbrev --xmlout --ignore-unknown --config"
              " --non-interactive-include-reboot-patches --pkg-cache-dir --raw-cache-dir --solv-cache-dir --plus-repo"
              " --disable-repositories --disable-system-resolvables --promptids --rug-compatible",
    "update-alternatives": "--install --set --config --display --query --list --auto --all --remove --remove-all --log"
                           " --get-selections --set-selections --slave --altdir --admindir --force --quiet --verbose"
                           " --skip-auto --help --version --debug --instdir --root",
    "cmake": "--build --install --target --config --parallel --preset --prefix --open --fresh --trace --version --help"
             " --verbose --clean-first --strip --component --toolchain --workflow --log-level --graphviz --find-package"
             " --debug-output --trace-expand --warn-uninitialized --no-warn-unused-cli --check-system-vars"
             " --list-presets"
             " --install-prefix --use-stderr --resolve-package-references --profiling-output"
             " --default-directory-permissions",
    "rpm": "--install --import --upgrade --freshen --erase --query --verify --nodeps --force --nosignature --nodigest"
           " --excludedocs --replacepkgs --replacefiles --oldpackage --hash --verbose --quiet --root --dbpath --initdb"
           " --rebuilddb --eval --define --all --noscripts --notriggers --test --percent --ignorearch --ignoreos"
           " --ignoresize --justdb --relocate --prefix --badreloc --excludepath --allmatches --whatprovides"
           " --whatrequires --provides --requires --list --info --file --last --queryformat --scripts --changelog"
           " --checksig --addsign --help --version --noplugins --nocontexts --showrc --nogpg --nomanifest --reinstall"
           " --package --querytags --setperms --setugids --undefine --macros --load --conflicts --obsoletes"
           " --nofiledigest",
    "dpkg": "--install --remove --purge --configure --unpack --add-architecture --remove-architecture --list"
            " --listfiles"
            " --print-architecture --print-foreign-architectures --status --search --get-selections --set-selections"
            " --clear-selections --force-all --force-depends --force-confold --force-confdef --force-confnew"
            " --force-confmiss --force-overwrite --force-architecture --force-help --force-not-root --force-bad-verify"
            " --force-remove-reinstreq --force-remove-essential --force-unsafe-io --info --contents --extract --field"
            " --control --verify --audit --compare-versions --recursive --pending --no-act --dry-run --simulate --root"
            " --instdir --admindir --log --path-exclude --path-include --no-triggers --triggers --triggers-only"
            " --ignore-depends --skip-same-version --selected-only --help --version --license --yet-to-unpack"
            " --update-avail --merge-avail --clear-avail --forget-old-unavail --predep-package --assert-multi-arch"
            " --assert-support-predepends --assert-working-epoch --assert-long-filenames --refuse-depends"
            " --no-force-all"
            " --auto-deconfigure --no-debsig --no-pager --print-avail --build --vextract --fsys-tarfile --show"
            " --ctrl-extract --ctrl-tarfile --record-avail --validate-pkgname --abort-after --status-fd --debug",
    "usermod": "--append --badname --comment --home --expiredate --inactive --gid --groups --login --lock --move-home"
               " --non-unique --password --root --prefix --remove --shell --uid --unlock --add-subuids --del-subuids"
               " --add-subgids --del-subgids --selinux-user --help",
    "locale-gen": "--purge --archive --no-archive --no-purge --lang --help --aliases --keep-existing --version",
    "gpg": "--armor --armour --batch --no-tty --yes --no --dearmor --dearmour --enarmor --enarmour --output --import"
           " --export --export-secret-keys --keyserver --keyserver-options --recv-keys --receive-keys --recv"
           " --recv-key --verify --verify-options --decrypt --encrypt --sign --clearsign --clear-sign --detach-sign"
           " --symmetric --recipient --default-recipient --local-user --default-key --keyring --no-default-keyring"
           " --primary-keyring --secret-keyring --homedir --list-keys --list-public-keys --list-secret-keys"
           " --list-packets --list-sigs --fingerprint --with-colons --with-fingerprint --keyid-format --show-keys"
           " --import-options --export-options --trust-model --always-trust --no-auto-key-locate --auto-key-locate"
           " --locate-keys --fetch-keys --refresh-keys --search-keys --send-keys --gen-key --generate-key"
           " --full-generate-key --quick-generate-key --quick-gen-key --edit-key --delete-keys --delete-key"
           " --delete-secret-keys --passphrase --passphrase-fd --passphrase-file --pinentry-mode --quiet --verbose"
           " --status-fd --logger-fd --command-fd --lock-never --no-permission-warning --no-options --options"
           " --ignore-time-conflict --disable-dirmngr --dirmngr-program --agent-program --use-agent --no-autostart"
           " --no-use-agent --import-ownertrust --export-ownertrust --check-trustdb --update-trustdb --version --help"
           " --no-secmem-warning --display-charset --compress-algo --cipher-algo --digest-algo --s2k-mode --textmode"
           " --print-md --multifile --decrypt-files --encrypt-files --allow-secret-key-import --no-random-seed-file"
           " --no-greeting --expert --gnupg --openpgp --rfc4880 --with-key-data --with-subkey-fingerprint"
           " --homedir --throw-keyids --hidden-recipient --list-options --no-emit-version --comment --dry-run"
           " --debug --debug-level --card-status --card-edit --max-output --exit-on-status-write-error --no-sig-cache",
}.items()}  # fmt: skip
_PROGRAMS = _COMMANDS.keys() | {name.partition(" ")[0] for name in (*_COMMANDS, *_OPTIONS)}
_ABBREVIATES = {"gpg", "rpm", "usermod"}
"""Programs that take the beginning of an option for it (getopt_long, popt)."""
_ENDS_OF_OPTIONS = words_of("-- exec run dlx x")
"""What is behind these belongs to another program."""


def further_faults(name: str, command: Command) -> Iterator[Fault]:
    """Warn of commands and options that are near to those of a program of these tables.

    Args:
        name: of the program, without its folder.
        command: without wrappers.
    """
    # every command of every script comes by here: most are no program of these tables
    if name not in _PROGRAMS:
        return
    yield from _listed(name, command)
    plain, options = _apart(name, command)
    path = name
    for word in plain:
        # a command of a command is looked up under both words: `go mod tydi` has a row "go mod"
        known = _COMMANDS.get(path, frozenset())
        if meant := _near(word.value or "", known):
            why = f'{path} has no command "{word.value}" of its own'
            yield warning("tool-command", word.at, why, f"did you mean {meant}?")
            # one slip a command: what follows was meant for the command that was meant
            return
        if known or any(one.startswith(f"{path} {word.value}") for one in (*_COMMANDS, *_OPTIONS)):
            path = f"{path} {word.value}"
    yield from _mistyped(name, path, options)


def _listed(name: str, command: Command) -> Iterator[Fault]:
    """``conda config --add chanels x``: the key of a list of the settings (conda, "Settings")."""
    values = [word.value for word in command.words]
    if name not in {"conda", "mamba"} or values[1:2] != ["config"]:
        return
    for word, following in pairwise(command.words):
        if word.value not in {"--add", "--append", "--prepend", "--remove"}:
            continue
        if meant := _near(following.value or "", _COMMANDS["conda config --add"]):
            why = f'{name} has no list of settings "{following.value}"'
            yield warning("tool-command", following.at, why, f"did you mean {meant}?")


def _apart(name: str, command: Command) -> tuple[list[Word], list[Word]]:
    """Return the words that are no options, and the options, up to where another program begins."""
    valued, rest = _VALUES.get(name, "").split(), list(command.words[1:])
    # an unknown value (a variable) ends the search, too: what it stands for may be the command
    plain, options = list[Word](), list[Word]()
    while rest and rest[0].value is not None and rest[0].value not in _ENDS_OF_OPTIONS:
        word = rest.pop(0)
        (options if (word.value or "").startswith("-") else plain).append(word)
        rest = rest[1:] if word.value in valued else rest
    return plain, options


def _mistyped(name: str, path: str, options: list[Word]) -> Iterator[Fault]:
    known = _OPTIONS.get(path) or (_OPTIONS["pipenv"] if name == "pipenv" else frozenset())
    for word in options:
        # short options may be run together (-xzf), and three letters are near to everything
        value = (word.value or "").partition("=")[0]
        if value in known or not re.fullmatch(r"--[a-z][a-z0-9-]{3,}", value):
            continue
        # getopt_long takes what begins one option alone, popt takes the whole word: told of neither
        if name in _ABBREVIATES and any(one.startswith(value) for one in known):
            continue
        if meant := near_option(value, known):
            yield warning("option-unknown", word.at, f"{path} has no option {value}", f"did you mean {meant}?")


def _near(value: str, known: frozenset[str]) -> str:
    """Return the command that a word is a slip of; a script or a plugin has a name of its own."""
    lowered = value.lower()
    if lowered in known or not re.fullmatch(r"[A-Za-z][A-Za-z-]+", value):
        return ""
    # a row of its own, since a slip is measured by letters, and two of three would be near to half the list
    if len(value) == 2:  # `ad` is `add` without its end
        return next((one for one in sorted(known) if len(one) == 3 and one.startswith(lowered)), "")
    # with all its letters, but not in their order: tydi
    turned = (one for one in sorted(known) if len(one) > 3 and one[0] == lowered[0] and sorted(one) == sorted(lowered))
    return slip(lowered, known) or next(turned, "")
