"""Answers: JSON out, bounded JSON in, and one table from what went wrong to a status.

Knows nothing of resources. Every error is ``{"error", "remedy", "place"}``, and ``reason``, as
RabbitMQ's tools call the sentence of ``error``.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from penstock.amqp.errors import LOST, AmqpError
from penstock.client.errors import ConnectionLostError, KafkaError
from penstock.errors import PenstockError

T = TypeVar("T")

BODY_READ_S = 10.0
KAFKA_STATUSES = {
    "UNKNOWN_TOPIC_OR_PARTITION": 404,
    "TOPIC_ALREADY_EXISTS": 409,
    "GROUP_ID_NOT_FOUND": 404,
    "MESSAGE_TOO_LARGE": 413,
    "RECORD_LIST_TOO_LARGE": 413,
    "TOPIC_AUTHORIZATION_FAILED": 403,
    "GROUP_AUTHORIZATION_FAILED": 403,
    "CLUSTER_AUTHORIZATION_FAILED": 403,
}
AMQP_STATUSES = {LOST: 503, 403: 403, 404: 404, 405: 409, 530: 403}
"""By the codes of the queues: 403 and 530 are about rights, to a thing and to its virtual host, which may
not be there at all; 405 is held by another."""
REMEDIES = {
    404: "the API's paths are listed in docs/http-api.md",
    405: "the Allow header names the methods of this path",
}

_encoder = msgspec.json.Encoder(decimal_format="number")


class HttpError(PenstockError):
    """A refusal with its HTTP status."""

    def __init__(self, status: int, message: str, *, remedy: str = "", place: str = "") -> None:
        super().__init__(message, remedy=remedy, place=place)
        self.status = status


def encode(value: object) -> bytes:
    """JSON, decimals as numbers."""
    return _encoder.encode(value)


def ok(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON; bytes are taken as JSON that is encoded already."""
    body = value if isinstance(value, bytes) else encode(value)
    return Response(body, status, dict(headers or {}), media_type="application/json")


def error_body(error: PenstockError) -> dict[str, str]:
    """The words of an error."""
    return _said(error.message, error.remedy, error.place)


def _said(message: str, remedy: str, place: str = "") -> dict[str, str]:
    return {"error": message, "reason": message, "remedy": remedy, "place": place}


def status_of(error: PenstockError) -> int:
    """The HTTP status an error is answered with: the user's own mistakes are 400 where nothing else is said."""
    if isinstance(error, HttpError):
        return error.status
    if isinstance(error, KafkaError):
        unavailable = isinstance(error, ConnectionLostError) or error.retriable
        return KAFKA_STATUSES.get(error.name, 503 if unavailable else 400)
    if isinstance(error, AmqpError):
        return (
            404 if error.code == 530 and "not found" in error.message else AMQP_STATUSES.get(error.code, 400)
        )
    return 400


async def on_refusal(_: Request, error: Exception) -> Response:
    """What a handler raised for the caller to see."""
    assert isinstance(error, PenstockError)
    status = status_of(error)
    return ok(error_body(error), status, {"Retry-After": "1"} if status == 503 else None)


async def on_http_exception(_: Request, error: Exception) -> Response:
    """What the router says: no such path, no such method."""
    assert isinstance(error, HTTPException)
    body = _said(str(error.detail), REMEDIES.get(error.status_code, ""))
    return ok(body, error.status_code, error.headers)


async def on_timeout(_: Request, error: Exception) -> Response:
    """The broker, or a query, took longer than a request may take."""
    body = _said("the answer took too long", "try again; is the server busy or stuck?")
    return ok(body, 503, {"Retry-After": "1"})


async def on_failure(request: Request, error: Exception) -> Response:
    """A mistake of penstock's own: it stands in the log, not in the answer."""
    logging.getLogger("penstock.web").error("%s %s failed", request.method, request.url.path, exc_info=error)
    remedy = "this is a mistake in penstock: the web process's log says more"
    return ok(_said("the request failed", remedy), 500)


async def read_body(request: Request, shape: type[T], *, strict: bool = True) -> T:
    """The request's JSON body as `shape`; raises HttpError saying what is wrong with it and where.

    Its size is bounded by the guard; here its time is. Without `strict` "5" is a number and "true" a boolean, too.
    """
    try:
        async with asyncio.timeout(BODY_READ_S):
            body = await request.body()
    except TimeoutError:
        raise HttpError(408, "the request's body did not arrive in time", remedy="send it faster") from None
    except ClientDisconnect:
        raise HttpError(400, "the request's body is cut short") from None
    try:
        return msgspec.json.decode(body, type=shape, strict=strict)
    except msgspec.ValidationError as error:
        raise _other_shape(error) from None
    except (ValueError, RecursionError) as error:
        raise HttpError(
            400, f"the body is not JSON: {error}", remedy="send a JSON object", place="body"
        ) from None


def shaped(part: object, shape: type[T]) -> T:
    """A part of a body that was read as it came; raises HttpError as `read_body` does."""
    try:
        return msgspec.convert(part, shape)
    except msgspec.ValidationError as error:
        raise _other_shape(error) from None


def _other_shape(error: msgspec.ValidationError) -> HttpError:
    sentence, _, place = str(error).partition(" - at ")
    return HttpError(400, sentence, remedy="docs/http-api.md shows the body", place=place.strip("`"))


HANDLERS: dict[Any, Any] = {
    PenstockError: on_refusal,
    HTTPException: on_http_exception,
    TimeoutError: on_timeout,
    Exception: on_failure,
}
