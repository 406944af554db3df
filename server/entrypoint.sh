#!/bin/sh
# The image's entry point: activates the environment as "conda activate" would, then becomes the command.
# POSIX sh; goes on in bash if there is one, because the activation scripts of many packages are written for it.
if [ -z "${BASH_VERSION:-}" ] && [ -z "${ACIML_ENTRYPOINT:-}" ] && command -v bash >/dev/null 2>&1; then
    ACIML_ENTRYPOINT=bash
    export ACIML_ENTRYPOINT
    exec bash "$0" "$@"
fi
unset ACIML_ENTRYPOINT

aciml_activate() {
    for aciml_script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do
        [ -r "$aciml_script" ] || continue
        # First in a process of its own: a script that exits or fails must not end the start.
        if (. "$aciml_script") >/dev/null 2>&1; then
            . "$aciml_script"
        else
            echo "warning: the activation script $aciml_script failed; the start goes on without it" >&2
        fi
    done
}

if [ -d "${ACIML_PREFIX:-/azureml-envs/aciml}" ]; then
    CONDA_PREFIX="${ACIML_PREFIX:-/azureml-envs/aciml}"
    export CONDA_PREFIX
    aciml_activate
fi
exec "$@"
