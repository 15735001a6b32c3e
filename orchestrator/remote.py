"""The settings of a remote cache, and what of them is in the environment. Imported only where there is one."""

from __future__ import annotations

import os
import re

from actors.remote.servers import RemoteSettings
from orchestrator.config import Config

TOKEN = "WASMILL_REMOTE_TOKEN"
"""The variable whose value is sent as `Authorization: Bearer ...`."""

_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


def remote_settings(config: Config) -> RemoteSettings:
    """Returns where the remote cache is. A header that names a variable which is not set is left out: then the server
    says what it lacks, and the build goes on without it."""
    headers: list[tuple[str, str]] = []
    for line in config.remote.headers:
        name, _, value = line.partition(":")
        if all(variable in os.environ for variable in _VARIABLE.findall(value)):
            filled = _VARIABLE.sub(lambda found: os.environ[found[1]], value)
            headers.append((name.strip(), filled.strip()))
    token = os.environ.get(TOKEN, "").strip()
    if token and not any(name.lower() == "authorization" for name, _ in headers):
        headers.append(("Authorization", f"Bearer {token}"))
    # A line break would begin another header.
    headers = [(name, value) for name, value in headers if value.isprintable() and value.isascii()]
    return RemoteSettings(
        config.remote.cache,
        headers=tuple(headers),
        roots=config.remote.roots,
        upload=config.remote.upload,
        timeout=config.remote.remote_timeout,
        slots=config.build.jobs,
    )
