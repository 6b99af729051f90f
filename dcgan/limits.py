"""How large may be what strangers made or send; what reads it holds it against these before it takes memory for it."""

# A checkpoint
MAX_CONFIG_BYTES = 64 * 2**10
MAX_TEXT_BYTES = 2 * 2**20  # of a card, of metrics, of what a run says of itself
MAX_HEADER_BYTES = 2**16  # of weights: their names and shapes; the rest follows from the config
MAX_FEATURE_MAPS = 512
MAX_LATENT_DIM = 4096
MAX_DIRECTIONS_BYTES = 1_000_000
MAX_DIRECTIONS = 64

# A training picture
MAX_PICTURE_BYTES = 256 * 2**20  # of its file, unpacked
MAX_PIXELS = 120_000_000  # what its file says is checked before it is opened whole
LARGE_PIXELS = 4_000_000  # from here on a picture is shrunk as it is read, and is alone in memory
MAX_RATIO = 8  # of the long side to the short one; what lies farther from the centre is cropped before all else
SPARE = 4  # how many times as large as wanted a large picture is after that, so that the last step can smooth

# A face as text
MAX_EXPRESSION_CHARACTERS = 4000
MAX_STEPS = 8
MAX_LATENTS = 4
MAX_WRITTEN_DIM = 512  # of a latent that is spelled out

# A link, or the note in a file
MAX_QUERY_CHARACTERS = 8000  # of a link: some browsers, chat apps and servers cut longer ones
MAX_NOTE_CHARACTERS = 600_000  # twice as many as the longest that is written here, of 64 long expressions
MAX_VALUE_CHARACTERS = 1000  # of a value that is read, but for faces
MAX_FACES_CHARACTERS = 64 * (MAX_EXPRESSION_CHARACTERS + 1)  # of a list of faces that is read
MAX_WORDS = 500  # of such a list that are looked at, in search of faces

# A file that a visitor opens
MAX_UPLOAD_BYTES = 64 * 2**20  # above what is read of a file, so that larger ones get a sentence of ours
MAX_FORM_BYTES = 2**20  # around it
MAX_FORM_PARTS = 8
MAX_UPLOADING_BYTES = 256 * 2**20  # of all uploads that are under way
MAX_OPENED_BYTES = 20 * 2**20  # of one that may say what it was made from
MAX_FAVOURITES = 48
MAX_FAVOURITES_BYTES = 500_000  # of their file: twice what 48 links of the longest expressions take
MAX_SEARCHED_PIXELS = 64_000_000  # of a picture whose face is searched for; what its file says is checked first

# The page
MAX_BODY_BYTES = 4 * 2**20  # of what an event sends; 48 favourites with the longest expressions take an eighth
MAX_ECHOED_CHARACTERS = 8000  # of what only the browser reads, and is sent back
MAX_WAITING = 64  # events in the queue
MAX_UNHEARD = 50  # answers to a session that lie ready; where nobody fetches them it can ask for no more
MAX_SESSIONS = 500  # that Gradio keeps in mind, each with 0.4 MB; a page that it forgot works on

# A connection of the page
MAX_HEAD_BYTES = 64 * 2**10  # of a request: its address and headers
MAX_SECONDS_TO_SEND = 20  # until a request has come whole; longer where much comes
MIN_SENT_PER_SECOND = 8 * 2**10  # bytes, in that longer time
MAX_SECONDS_TO_TAKE = 60  # until some of an answer is taken
MAX_UNFINISHED = 128  # requests that have not come whole; where one more begins, the oldest ends
