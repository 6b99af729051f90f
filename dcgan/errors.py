"""The one error type that means "your input, not our code"."""


class InputError(ValueError):
    """What the user gave can't work.

    The message is one line that says what was found, why it doesn't work and what would. Command lines print it and
    exit with status 2; the app shows it at the control.
    """
