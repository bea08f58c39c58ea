"""Locks that end with their process, however that ends."""

from __future__ import annotations

import errno

try:
    import fcntl
except ImportError:  # Windows, which has no lock that ends with its process alone
    fcntl = None  # type: ignore[assignment]

# A disk of another machine may have no locks; then nobody is kept out.
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


def lock(handle: int) -> bool:
    """Lock an open file or folder until its handle is closed; False when another process has it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True
