"""What a service has on Docker alone; Azure Container Instances bound processes and logs by themselves."""

import pulumi

from .declared import subject


@subject
class DockerArgs:
    """Limits of the container on Docker, beside cores and memory."""

    max_processes: pulumi.Input[int] | None = None
    """Most processes and threads of the container; 4096 if not said."""
    log_size_mb: pulumi.Input[int] | None = None
    """MiB of log from which the next file is begun; 10 if not said. Log drivers that keep no files pass over it."""
    log_files: pulumi.Input[int] | None = None
    """Log files that are kept, the newest included; 3 if not said, so 30 MiB at most."""
