"""A run's way to the Hub, beside the training, and back."""

from dcgan.publish.background import Publisher
from dcgan.publish.pusher import Pusher
from dcgan.publish.restore import restore_run

__all__ = [
    "Publisher",
    "Pusher",
    "restore_run",
]
