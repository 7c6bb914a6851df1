"""How much an import takes. The bytes of an upload are a setting, `max_upload_bytes`."""

MOST_MEMBERS = 200_000  # of an archive, folders among them
MOST_FILE_BYTES = 4 * 2**20  # of an image file
MOST_PIXELS = 16_000_000  # of an image file
MOST_RATIO = 100  # bytes unpacked for each byte of the upload
ALWAYS_UNPACKED = 64 * 2**20  # bytes, whatever the ratio
MOST_UNPACKED_BYTES = 2**31  # of arrays, which are unpacked to disk
LEAST_IMAGES = 16
MOST_CANONICAL_BYTES = 2**30  # of the images as they are trained on
MOST_CLASSES = 1000
MOST_BAD_SHARE = 0.2  # of the files; above it, the source is rejected
