"""Where the suite keeps what it downloaded or trained once."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """The cache folder: $GAN_CACHE, or else the operating system's place for saddle-bench."""
    chosen = os.environ.get("GAN_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("saddle-bench"))
