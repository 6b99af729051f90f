"""How large a picture file may be, so that no file decides how much memory is used."""

MAX_FILE_BYTES = 256 * 2**20  # of a picture file, unpacked
MAX_PIXELS = 120_000_000  # of a picture; what a file says is checked before it is opened whole
LARGE_PIXELS = 4_000_000  # from here on a picture is shrunk as it is read, and is alone in memory
MAX_RATIO = 8  # of the long side to the short one; what lies farther from the centre is cropped before all else
SPARE = 4  # how many times as large as wanted a large picture is after that, so that the last step can smooth
