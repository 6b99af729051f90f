"""A run's way to the Hub, beside the training, and back."""

from dcgan.publish.background import Publisher
from dcgan.publish.pusher import Pusher
from dcgan.publish.restore import restore_run
from dcgan.publish.space import push_space

__all__ = [
    "Publisher",
    "Pusher",
    "push_space",
    "restore_run",
]
