"""Serve: read the settings from the environment, bind, answer until SIGTERM."""

from __future__ import annotations

import os
import ssl
import sys
from typing import Any

from settings import Settings, SettingsInvalid, Tls


def main() -> None:
    """Run the service; a wrong setting is one line and status 2."""
    try:
        settings = Settings.of(os.environ)
    except SettingsInvalid as error:
        sys.exit(f"app: {error}")
    # imported late, so that a wrong setting is said at once
    from uvicorn import Config, Server

    from database import database_of
    from service import service_of

    config = Config(
        service_of(settings.node, database_of(settings.database)),
        host=settings.address,
        port=settings.port,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
        **_tls_options(settings.tls),
    )
    Server(config).run()


def _tls_options(tls: Tls | None) -> dict[str, Any]:
    """uvicorn's own words for TLS; without a certificate of the client, where one is asked for, no handshake ends."""
    if tls is None:
        return {}
    options: dict[str, Any] = {"ssl_certfile": tls.certificate, "ssl_keyfile": tls.key}
    if tls.client_authority:
        options |= {"ssl_ca_certs": tls.client_authority, "ssl_cert_reqs": ssl.CERT_REQUIRED}
    return options


main()
