"""How large the files of a checkpoint may be that strangers made; checked before they are read.

Those of training pictures stand in data/limits.py, those of numbers and texts where these are defined: in
gallery/bounds.py, network_config.py and expressions.py.
"""

MAX_CONFIG_BYTES = 64 * 2**10
MAX_TEXT_BYTES = 2 * 2**20  # of a card, of metrics, of what a run says of itself
MAX_HEADER_BYTES = 2**16  # of weights: their names and shapes; the rest follows from the config
MAX_DIRECTIONS_BYTES = 1_000_000
MAX_DIRECTIONS = 64
