"""Users' own functions: what a decorator reads off a function or class, and the thing that stands in its place.

Knows signatures and type hints; running is the engine's.
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from penstock.dsl.expressions import Expression, lift
from penstock.dsl.schemas import SchemaLike, kind_of_hint, schema_of
from penstock.durations import Duration, milliseconds
from penstock.engine.functions.user import (
    FrameFunction,
    ProcessClass,
    TableCall,
    TableFunction,
    UserCall,
    UserFunction,
)
from penstock.errors import PenstockError

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Function:
    """A function of the user's: on columns it makes an expression, on values it is what it was."""

    def __init__(self, function: UserFunction | TableFunction) -> None:
        self.function = function
        functools.update_wrapper(self, function.body)

    def __call__(self, *arguments: Any) -> Any:
        """An expression where one of the arguments is one, else the function's own answer."""
        if any(isinstance(argument, Expression) for argument in arguments):
            kind = UserCall if isinstance(self.function, UserFunction) else TableCall
            return Expression(kind(this=self.function, expressions=[lift(one).node for one in arguments]))
        return self.function.body(*arguments)


class Parameters:
    """A function's parameters: their kinds, how many must be given, and whether one of them may be None."""

    def __init__(self, name: str, body: Callable[..., Any], *, typed: bool) -> None:
        self.hints = hints_of(body) if typed else {}
        self.kinds: list[str | None] = []
        self.least, self.variadic, self.nulls = 0, False, False
        for part in inspect.signature(body).parameters.values():
            if part.kind is inspect.Parameter.VAR_POSITIONAL:
                self.variadic = True
            elif part.kind not in POSITIONAL:
                if part.default is inspect.Parameter.empty and part.kind is inspect.Parameter.KEYWORD_ONLY:
                    raise PenstockError(
                        f"{name}: {part.name} can only be given by name",
                        remedy="functions are called by position",
                    )
                continue
            else:
                self.least += part.default is inspect.Parameter.empty
            hint = self.hints.get(part.name, Any)
            self.nulls |= _optional(hint)
            self.kinds.append(_kind(part.name, hint))


def declared(
    body: Callable[..., Any],
    *,
    name: str | None,
    returns: Any,
    batch: bool,
    nulls: bool | None,
    deterministic: bool,
) -> UserFunction:
    """What a plan knows of a function of values."""
    called = name or name_of(body)
    parameters = Parameters(called, body, typed=not batch)
    promised = parameters.hints.get("return") if returns is None else returns
    if promised in (None, type(None)):
        raise PenstockError(f"{called} does not say what it returns", remedy="@app.function(returns=float)")
    if batch and not parameters.kinds:
        raise PenstockError(f"{called} takes no Series, so it cannot know how many values to return")
    return UserFunction(
        name=called,
        returns=kind_of_hint(called, promised),
        takes=tuple(parameters.kinds),
        least=parameters.least,
        variadic=parameters.variadic,
        batch=batch,
        nulls=(batch or parameters.nulls) if nulls is None else nulls,
        deterministic=deterministic,
        body=body,
    )


def declared_table(
    body: Callable[..., Any], *, name: str | None, emits: SchemaLike, nulls: bool | None, deterministic: bool
) -> TableFunction:
    """What a plan knows of a function that gives rows."""
    called = name or name_of(body)
    parameters = Parameters(called, body, typed=True)
    return TableFunction(
        name=called,
        emits=schema_of(emits),
        takes=tuple(parameters.kinds),
        least=parameters.least,
        variadic=parameters.variadic,
        nulls=parameters.nulls if nulls is None else nulls,
        deterministic=deterministic,
        body=body,
    )


def declared_frame(body: Callable[..., Any], *, emits: SchemaLike, deterministic: bool) -> FrameFunction:
    """What a plan knows of a function of batches."""
    return FrameFunction(name=name_of(body), emits=schema_of(emits), deterministic=deterministic, body=body)


def declared_class(
    body: type, *, emits: SchemaLike, ttl: Duration | None, deterministic: bool
) -> ProcessClass:
    """What a plan knows of a class with state."""
    if not callable(getattr(body, "on_row", None)):
        raise PenstockError(f"{body.__name__} has no on_row", remedy="def on_row(self, row, ctx): …")
    fields = state_of(body)
    ttl_ms = None if ttl is None else milliseconds(ttl)
    if ttl_ms == 0:
        raise PenstockError("a ttl is more than nothing", remedy='ttl="1h"')
    return ProcessClass(
        name=body.__name__,
        emits=schema_of(emits),
        state=tuple((name, _shown(hint)) for name, hint in fields.items()),
        hints=tuple(fields.values()),
        deterministic=deterministic,
        ttl_ms=ttl_ms,
        body=body,
    )


def state_of(body: type) -> dict[str, Any]:
    """The fields of a class that are its state by key, with their hints: all annotated ones but ClassVars."""
    fields = {
        name: hint for name, hint in hints_of(body).items() if typing.get_origin(hint) is not typing.ClassVar
    }
    for name, hint in fields.items():
        if not hasattr(body, name):
            raise PenstockError(
                f"{body.__name__}.{name} has no value to begin with", remedy=f"{name}: {_shown(hint)} = …"
            )
        _check_kept(f"{body.__name__}.{name}", hint, getattr(body, name))
    return fields


def _check_kept(name: str, hint: Any, first: Any) -> None:
    """Whether values of the hint's type can be written down and read back."""
    try:
        held = msgspec.msgpack.Decoder(hint).decode(msgspec.msgpack.encode(first))
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise PenstockError(
            f"{name} cannot be kept as {_shown(hint)}: {error}",
            remedy="numbers, text, bytes, times, lists, sets, dicts, dataclasses and msgspec Structs can; what is no "
            "state is a ClassVar, or has no type hint",
        ) from None
    if not isinstance(first, type) and held != first:
        raise PenstockError(f"{name} comes back as {held!r} where it was {first!r}")


def name_of(body: Any) -> str:
    """What a function calls itself."""
    name = str(getattr(body, "__name__", type(body).__name__))
    if not name.isidentifier():
        raise PenstockError(f"{name} is no name", remedy='name="…"')
    return name


def hints_of(body: Any) -> Mapping[str, Any]:
    """The type hints, looked up where they were written."""
    try:
        return typing.get_type_hints(body, include_extras=True)
    except NameError as error:
        raise PenstockError(
            f"{name_of(body)}: {error}", remedy="its type hints have to be names of the file"
        ) from None


def _kind(name: str, hint: Any) -> str | None:
    try:
        return kind_of_hint(name, hint)
    except PenstockError:
        return None  # a hint that is no column's type, such as Any, takes any


def _optional(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType) and type(None) in typing.get_args(hint)


def _shown(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)
