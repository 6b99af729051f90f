"""ZeroGPU, the GPU that Spaces lend for seconds at a time; elsewhere functions stay as they are."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

ON_ZERO_GPU = bool(os.environ.get("SPACES_ZERO_GPU"))
Function = TypeVar("Function", bound=Callable[..., Any])
MAX_LOAN_SECONDS = 60  # of one loan; a grid of 16 walks on a slow card takes less

if ON_ZERO_GPU:
    import spaces

    def on_gpu(function: Function) -> Function:
        """Run the function in a process that has a GPU; arguments and results are pickled on the way."""
        with_a_loan: Function = spaces.GPU(duration=MAX_LOAN_SECONDS)(function)
        return with_a_loan

else:

    def on_gpu(function: Function) -> Function:
        """Leave the function as it is."""
        return function
