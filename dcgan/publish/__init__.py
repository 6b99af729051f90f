"""A run's way to the Hub, beside the training, and back."""

from dcgan.publish.publisher import Publisher
from dcgan.publish.restore import restore_run

__all__ = [
    "Publisher",
    "restore_run",
]
