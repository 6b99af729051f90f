"""Whose a repository is: nothing is pushed over another run, or over a model that may not come from this project."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dcgan.checkpoints import Training, object_in
from dcgan.errors import InputError, OccupiedError
from dcgan.hub import MAIN, Repository
from dcgan.layout import CONFIG_NAME, TRAINING_NAME, WEIGHTS_NAME, is_snapshot
from dcgan.limits import MAX_CONFIG_BYTES
from dcgan.network_config import GeneratorConfig


class Ownership:
    """Makes sure that commits are of no other run than `run_id`, and remembers how far the run had come in each.

    Without a run_id (an imported model) they must not hold a run at all.
    """

    def __init__(self, repository: Repository, run_id: str | None):
        self.repository, self.run_id = repository, run_id
        self._steps: dict[str, int] = {}  # of commits that were looked at

    def check(self) -> None:
        """Make sure that the run may be pushed here, by main and the newest snapshot.

        Raises:
            HubError: as `step_of` raises it.
        """
        refs = self.repository.refs()
        self.step_of(refs.branches[MAIN])
        for name in sorted(filter(is_snapshot, refs.tags))[-1:]:
            self.step_of(refs.tags[name])

    def step_of(self, commit: str) -> int:
        """Find out which step of the run a commit holds; 0 where it holds nothing yet, or says no step.

        Raises:
            HubError: it holds another run, or a model that isn't known to be of this one.
        """
        if commit not in self._steps:
            self._steps[commit] = self._find_step(commit)
        return self._steps[commit]

    def remember(self, commit: str, step: int) -> None:
        """Take note of a commit that was just made."""
        self._steps[commit] = step

    def _find_step(self, commit: str) -> int:
        files = self.repository.files(commit)
        if TRAINING_NAME in files:
            told = Training.glean(self.repository.read(TRAINING_NAME, commit))
            if (theirs := told.run_id) != self.run_id or self.run_id is None:
                raise OccupiedError(
                    f"{self.repository.id} holds another run already ({theirs}); push to another repository. That run "
                    f"itself goes on with --resume, in its folder or as --resume {self.repository.id}."
                )
            return told.step or 0
        if WEIGHTS_NAME in files and (self.run_id or not self._holds_a_generator(commit, files)):
            raise OccupiedError(
                f"{self.repository.id} holds a model already, and no run of train.py's; push to another repository."
            )
        return 0

    def _holds_a_generator(self, commit: str, files: Mapping[str, int]) -> bool:
        if not files.get(CONFIG_NAME, MAX_CONFIG_BYTES) < MAX_CONFIG_BYTES:
            return False
        config = object_in(self.repository.read(CONFIG_NAME, commit))
        try:
            GeneratorConfig.from_dict(config)
        except InputError:
            return False
        return True


def description_of(run_id: str | None) -> str:
    """Say in a commit's message which run it is of."""
    return f"run {run_id}"


def is_behind(step: int, step_there: int, what: str, repository: Repository, tell: Callable[[str], object]) -> bool:
    """Find out whether the run went on elsewhere, so that a push would take the Hub back; that is told."""
    if behind := bool(step and step < step_there):
        tell(f"{repository.id} is at step {step_there} already; {what} (step {step}) is left out")
    return behind
