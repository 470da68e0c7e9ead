"""What an error of torch means: memory that ran out, or an operation that it lacks."""

import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the device's or the machine's memory ran out.

    Args:
        error: what a computation raised.

    Returns:
        True for torch's errors on both kinds of device and for Python's MemoryError.
    """
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate" in str(
        error
    )


def is_unsupported(error: BaseException) -> bool:
    """Whether torch lacks an operation in this format on this device.

    Args:
        error: what a computation raised.

    Returns:
        True for NotImplementedError and for kernels that are "not implemented for 'Half'".
    """
    return isinstance(error, NotImplementedError) or "not implemented for" in str(error)


def status_of(error: RuntimeError | MemoryError) -> tuple[str, str]:
    """What a computation that failed is called.

    Args:
        error: what it raised.

    Returns:
        The status and its message, or re-raises what is neither a lack of memory nor of support.
    """
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    if is_out_of_memory(error):
        return "out_of_memory", message
    if is_unsupported(error):
        return "unsupported", message
    raise error
