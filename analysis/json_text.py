"""What a report writes as JSON: the same text for the same results."""

import json
import math
from typing import Any


def json_text(value: object) -> bytes:
    r"""A document as UTF-8 text.

    Args:
        value: dicts, lists and tuples of what JSON has, and of numbers that it has not.

    Returns:
        JSON, indented, with a line's end.

    >>> json_text([1.5])
    b'[\n  1.5\n]\n'
    """
    return (json.dumps(plain(value), ensure_ascii=False, indent=2) + "\n").encode()


def plain(value: Any) -> Any:
    """JSON has neither NaN nor infinity: the first is null, the second a word.

    >>> plain({"a": (float("nan"), 1.5)})
    {'a': [None, 1.5]}
    """
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("infinity" if value > 0 else "-infinity")
    return value
