"""The size of a WebP by its header: its decoder takes memory for all of it before it can be asked (RFC 9649)."""


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None where the header is not one that the decoder would take."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    match chunk:
        case b"VP8X":
            return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
        case b"VP8L":
            bits = int.from_bytes(body[1:5], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
        case _:
            return None
