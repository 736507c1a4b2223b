"""What the attributes of `every_type.py` hold at the start, and other values for them."""

START = {
    "bool": True, "uchar": 200, "short": -5, "ushort": 60000, "long": -70000, "ulong": 3_000_000_000,
    "long64": -(2**60) - 1, "ulong64": 2**63 + 1, "float": 0.5, "double": 1.25, "string": "hello",
}  # fmt: skip
NEW = {
    "bool": False, "uchar": 7, "short": 300, "ushort": 65535, "long": 2**31 - 1, "ulong": 2**32 - 1,
    "long64": 2**62 + 1, "ulong64": 2**64 - 1, "float": 1.5, "double": -1e300, "string": "grüß dich",
}  # fmt: skip
TYPES = {
    "bool": "bool", "uchar": "uint8", "short": "int16", "ushort": "uint16", "long": "int32", "ulong": "uint32",
    "long64": "int64", "ulong64": "uint64", "float": "float32", "double": "float64", "string": "string",
}  # fmt: skip
