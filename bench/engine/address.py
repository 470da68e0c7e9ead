"""Whether a Ray cluster answers at an address: Ray itself would wait for minutes."""

import re
import socket
import subprocess
import sys

from gan.errors import UsageError

CONNECT_SECONDS = 3.0
HEALTH_SECONDS = 12.0
"""Most of it is for a new Python to import Ray."""


def check(address: str) -> None:
    """Make sure that a Ray cluster answers.

    Args:
        address: HOST:PORT of its head node, or "auto" for the one on this machine.

    Raises:
        UsageError: it does not, in one line.
    """
    if address == "auto":
        return
    host, port = split(address)
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"nothing answers at {address} ({reason.lower()}): start a cluster there with "
            f"ray start --head --port={port}"
        ) from None
    if not _healthy(address):
        raise UsageError(f"what answers at {address} is not the head of a Ray cluster")


def split(address: str) -> tuple[str, int]:
    """Host and port of an address.

    Args:
        address: as the user wrote it.

    Returns:
        Both.

    Raises:
        UsageError: it is not HOST:PORT.

    >>> split("10.0.0.1:6379")
    ('10.0.0.1', 6379)
    """
    host, separator, port = address.rpartition(":")
    sound = separator and host and re.fullmatch("[0-9]{1,5}", port) and int(port) < 2**16
    if not sound or "//" in host or not _is_name(host):
        raise UsageError(f"--ray-address takes HOST:PORT or auto, not {address!r}")
    return host.strip("[]"), int(port)


def _is_name(host: str) -> bool:
    """Whether the system could look it up: it refuses empty labels, as in a..b, and long ones."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return "\0" not in host


def _healthy(address: str) -> bool:
    """Ask as `ray health-check` does, in a process that can be ended when it hangs."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        done = subprocess.run(  # noqa: S603  # our own Python, and an address that answered
            command, capture_output=True, timeout=HEALTH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
