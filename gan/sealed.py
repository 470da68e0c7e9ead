"""Tensors as bytes behind their SHA-256, read back without pickle's powers."""

import hashlib
import io
import pickle
from typing import Any

import torch

from gan.atomic import DamagedError

CHECKSUM_BYTES = 32


def seal(content: dict[str, Any]) -> bytes:
    """The bytes of tensors, numbers and texts, in dicts and lists.

    Args:
        content: what to keep.

    Returns:
        The SHA-256 of what torch saves, and that.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    saved = buffer.getvalue()
    return hashlib.sha256(saved).digest() + saved


def unseal(stored: bytes) -> dict[str, Any]:
    """What ``seal`` was given, its tensors on the CPU.

    Args:
        stored: what ``seal`` returned.

    Returns:
        The content.

    Raises:
        DamagedError: the bytes are not whole, or not of ``seal``.

    >>> unseal(seal({"step": 3}))
    {'step': 3}
    """
    checksum, saved = stored[:CHECKSUM_BYTES], stored[CHECKSUM_BYTES:]
    if hashlib.sha256(saved).digest() != checksum:
        raise DamagedError("its checksum does not match")
    try:
        content = torch.load(io.BytesIO(saved), weights_only=True, map_location="cpu")
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise DamagedError("not of this suite") from error
    if not isinstance(content, dict):
        raise DamagedError("not of this suite")
    return content
