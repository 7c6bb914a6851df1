"""The cookie that a browser keeps a key in."""
