"""A checkpoint folder on disk: networks, snapshots, resume states, records, the model card."""

from dcgan.checkpoints.card import PLACEHOLDER, model_card, name_in
from dcgan.checkpoints.networks import load_discriminator, load_generator, save_network
from dcgan.checkpoints.records import facts_of_the_shown, measures_of, read_evaluation, read_training
from dcgan.checkpoints.resume import SavedState, copy_state, load_state, newest_state, save_state
from dcgan.checkpoints.snapshots import (
    drop_snapshots_after,
    is_shown,
    new_snapshot,
    published_files,
    remove_unfinished,
    show_best,
    show_snapshot,
    snapshot_facts,
    snapshot_folder,
    snapshot_name,
    snapshot_names,
)

__all__ = [
    "PLACEHOLDER",
    "SavedState",
    "copy_state",
    "drop_snapshots_after",
    "facts_of_the_shown",
    "is_shown",
    "load_discriminator",
    "load_generator",
    "load_state",
    "measures_of",
    "model_card",
    "name_in",
    "new_snapshot",
    "newest_state",
    "published_files",
    "read_evaluation",
    "read_training",
    "remove_unfinished",
    "save_network",
    "save_state",
    "show_best",
    "show_snapshot",
    "snapshot_facts",
    "snapshot_folder",
    "snapshot_name",
    "snapshot_names",
]
