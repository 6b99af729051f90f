"""A checkpoint folder on disk: networks, snapshots, resume states, records, the model card."""

from dcgan.checkpoints.card import PLACEHOLDER, in_todays_words, model_card, name_in
from dcgan.checkpoints.networks import load_discriminator, load_generator, save_network
from dcgan.checkpoints.reading import FORMAT, object_in
from dcgan.checkpoints.records import Best, Credit, Data, Evaluation, FacesReading, Figures, Measure, Parameters, StateFacts, Training, Watched, facts_of_the_shown, glean_metrics, read_evaluation, read_training
from dcgan.checkpoints.resume import SavedState, copy_state, load_state, newest_state, save_state
from dcgan.checkpoints.snapshots import drop_snapshots_after, is_shown, new_snapshot, published_files, remove_unfinished, show_best, show_snapshot, snapshot_facts, snapshot_folder, snapshot_names

__all__ = [
    "Best",
    "Credit",
    "Data",
    "Evaluation",
    "FORMAT",
    "FacesReading",
    "Figures",
    "Measure",
    "PLACEHOLDER",
    "Parameters",
    "SavedState",
    "StateFacts",
    "Training",
    "Watched",
    "copy_state",
    "drop_snapshots_after",
    "facts_of_the_shown",
    "glean_metrics",
    "in_todays_words",
    "is_shown",
    "load_discriminator",
    "load_generator",
    "load_state",
    "model_card",
    "name_in",
    "new_snapshot",
    "newest_state",
    "object_in",
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
    "snapshot_names",
]
