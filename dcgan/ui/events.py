"""What happens on the page: a visitor's event runs a function, and what it refuses stands beside the control."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from dcgan.errors import InputError
from dcgan.ui.inputs import RefusedError
from dcgan.ui.texts import language_of

Listener = Callable[..., Any]
# Without these, an event that comes while the one before is still answered would be lost
LAST_COUNTS = {"trigger_mode": "always_last"}
IN_TURN = {"trigger_mode": "multiple"}  # for events with data of their own, which the other mode forgets


def message(elem_id: str) -> gr.HTML:
    """Make the place where a tab says what it refuses."""
    return gr.HTML(visible=False, elem_id=elem_id, elem_classes="message")


def on(
    listeners: Sequence[Listener],
    function: Callable[..., Sequence[Any]],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    message: gr.HTML,
    **options: Any,
) -> list[Any]:
    """Run `function(language, *inputs)` on each of the events; what it refuses is said in `message`, all else stays."""

    def handle(request: gr.Request, *values: Any) -> tuple[Any, ...]:
        language = language_of(request)
        return _or_refusal(lambda: function(language, *values), len(outputs), language)

    return [_listen(listener, handle, inputs, [*outputs, message], options) for listener in listeners]


def on_select(
    listener: Listener,
    function: Callable[..., Sequence[Any]],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    message: gr.HTML,
    **options: Any,
) -> Any:
    """Do as `on`, with `function(language, index, *inputs)`, where one of several is picked; the last pick counts."""
    return _on_event(_index, listener, function, inputs, outputs, message, options)


def on_told(
    listener: Listener,
    function: Callable[..., Sequence[Any]],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    message: gr.HTML,
    **options: Any,
) -> Any:
    """Do as `on`, with `function(language, told, *inputs)`, where a component tells values by name."""
    return _on_event(_told, listener, function, inputs, outputs, message, options)


def on_steps(
    listener: Listener,
    function: Callable[..., Iterator[Sequence[Any]]],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    message: gr.HTML,
    **options: Any,
) -> Any:
    """Do as `on` with a function that gives its outputs again and again, as they become better."""

    def handle(request: gr.Request, *values: Any) -> Iterator[tuple[Any, ...]]:
        language = language_of(request)
        try:
            for outcome in function(language, *values):
                yield *outcome, said("")
        except InputError as error:
            yield _refusal(error, len(outputs), language)

    return _listen(listener, handle, inputs, [*outputs, message], options)


def explain(error: InputError, language: str) -> str:
    """Say an error in the visitor's language where we have words for it, else as it is."""
    return error.in_language(language) if isinstance(error, RefusedError) else str(error)


def said(text: str) -> gr.HTML:
    """Make text for a place to say things in; nothing hides it."""
    return gr.HTML(f'<p role="alert">{html.escape(text)}</p>' if text else "", visible=bool(text))


def _index(event: gr.EventData) -> int:
    """Tell which one was picked; the first where a browser sends something else."""
    index = event._data.get("index") if isinstance(event._data, dict) else 0
    return max(0, index) if isinstance(index, int) else 0


def _told(event: gr.EventData) -> dict[str, Any]:
    """Read the values that a component told as JSON; none where a browser sends something else."""
    try:
        told = json.loads(getattr(event, "told", "") if event._data else "")
    except (ValueError, TypeError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _on_event(
    read: Callable[[gr.EventData], Any],
    listener: Listener,
    function: Callable[..., Sequence[Any]],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    message: gr.HTML,
    options: dict[str, Any],
) -> Any:
    def handle(request: gr.Request, event: gr.EventData, *values: Any) -> tuple[Any, ...]:
        language = language_of(request)
        return _or_refusal(lambda: function(language, read(event), *values), len(outputs), language)

    return _listen(listener, handle, inputs, [*outputs, message], IN_TURN | options)


def _listen(
    listener: Listener, handle: Listener, inputs: Sequence[Any], outputs: Sequence[Any], options: dict[str, Any]
) -> Any:
    return listener(handle, list(inputs), list(outputs), **{"api_visibility": "private"} | options)


def _or_refusal(call: Callable[[], Sequence[Any]], count: int, language: str) -> tuple[Any, ...]:
    try:
        return *call(), said("")
    except InputError as error:
        return _refusal(error, count, language)


def _refusal(error: InputError, count: int, language: str) -> tuple[Any, ...]:
    """Leave all outputs as they are, and say what was refused."""
    return *(gr.skip() for _ in range(count)), said(explain(error, language))
