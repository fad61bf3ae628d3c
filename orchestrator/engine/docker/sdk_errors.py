"""What the Docker SDK raises, as the errors of `errors.py`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from docker.errors import APIError, DockerException
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from orchestrator.engine.docker.api_errors import engine_missing, refusal

# While an answer is read, the SDK hands on what lies below it: urllib3's errors, and the kernel's.
SDK_ERRORS = (DockerException, RequestException, HTTPError, ConnectionResetError)


@contextmanager
def map_sdk_errors(what: str, member: str = "") -> Iterator[None]:
    """Raise what the Docker SDK raises inside as an error of wirelab.

    `what` names what the engine was asked about, `member` the member whose engine it is.
    """
    try:
        yield
    except APIError as error:
        raise refusal(what, error.status_code or 0, str(error.explanation or error), member) from error
    except SDK_ERRORS as error:
        raise engine_missing(what, error, member) from error
