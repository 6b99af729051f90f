"""Every error that is meant to be read by people.

ValueError
  InputError              what the user gave can't work
    EndedError            a run that was to go on is at its end
    HubError              the Hub can't do what was asked
      DamagedError        what the Hub sent isn't what it announced
      OccupiedError       the repository belongs to something else
    NewerFormatError      a newer version wrote the file
    NothingChoosesError   no discriminator could choose the best faces
    RefusedError          what was typed on the page, refused there in the page's language
Exception
  GaveUpError             a run went wrong again and again
"""

from __future__ import annotations


class InputError(ValueError):
    """What the user gave can't work.

    The message is one line that says what was found, why it doesn't work and what would. Command lines print it and
    exit with status 2; the app shows it at the control.
    """


class HubError(InputError):
    """The Hub can't do what was asked, in one sentence; `temporary` where trying again may help, `after` seconds."""

    def __init__(self, message: str, temporary: bool = False, after: float = 0.0):
        super().__init__(message)
        self.temporary, self.after = temporary, after


class DamagedError(HubError):
    """What the Hub sent isn't what it announced; trying again may help."""

    def __init__(self, message: str):
        super().__init__(message, temporary=True)


class OccupiedError(HubError):
    """The repository belongs to something else; only another one will do."""


class EndedError(InputError):
    """A run that was to go on is at its end."""


class NewerFormatError(InputError):
    """A newer version wrote the file, in a format that this one doesn't know."""


class GaveUpError(Exception):
    """A run went wrong from the same state again and again; the message says what was kept."""


class NothingChoosesError(InputError):
    """The checkpoint has no discriminator that could choose the best."""
