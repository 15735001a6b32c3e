"""Which client speaks to the server at a URL."""

from __future__ import annotations

from actors.remote.servers import RemoteFault, RemoteSettings, Server


def connect(settings: RemoteSettings) -> Server:
    """Returns the server at a URL that was checked. Nothing is sent yet. Raises `RemoteFault`."""
    try:
        from actors.remote.http import HttpServer
    except ImportError as error:
        raise RemoteFault(f"{error.name} is not installed: pip install 'wasmill[remote]'", final=True) from None
    return HttpServer(settings)
