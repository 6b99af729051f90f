"""A run's way to the Hub, beside the training, and back."""

from dcgan.publish.background import Publisher
from dcgan.publish.pusher import Pusher
from dcgan.publish.restore import restore_run
from dcgan.publish.state import STATE_BRANCH

__all__ = [
    "STATE_BRANCH",
    "Publisher",
    "Pusher",
    "restore_run",
]
