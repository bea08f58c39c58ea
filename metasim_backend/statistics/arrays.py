"""Types of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]
Numbers = Sequence[float] | Array
