"""Prints a checksum of the C library's sinf and cosf (GNU C library 2.28 or later): `python math/make_sinf.py`.

FNV-1a over the bits of both for every 997th number of single precision that is not negative, and every second of them negated.
`potstill-env/src/box2d/sine.rs` holds the number. Measured with version 2.36 on a processor with fused operations.
"""

import ctypes
import ctypes.util
import struct

libm = ctypes.CDLL(ctypes.util.find_library("m"))
for function in (libm.sinf, libm.cosf):
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float]

state = 0xCBF29CE484222325
for i, bits in enumerate(range(0, 0x7F800000, 997)):
    (x,) = struct.unpack("<f", struct.pack("<I", bits | (i & 1) << 31))
    for y in (libm.sinf(x), libm.cosf(x)):
        (word,) = struct.unpack("<I", struct.pack("<f", y))
        state = (state ^ word) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
print(f"{state:016x}")
