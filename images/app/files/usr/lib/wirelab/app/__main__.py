"""Serve: read the settings from the environment, bind, answer until SIGTERM."""

from __future__ import annotations

import os
import sys

from settings import Settings, SettingsInvalid


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
    )
    Server(config).run()


main()
