"""Small data files of every binary format, as NumPy, safetensors' layout and zlib write them.

Two images of 2 x 3 grey points, or two vectors, of the classes "a" and "b".
"""

import gzip
import json
import os
import struct
import zlib

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = np.array([[1.0, -2.0, 0.5], [3.0, 4.0, 0.5]], dtype=np.float32)
WORDS = np.array(["a", "b"])
IMAGES = np.array([[[0, 51, 102], [153, 204, 255]], [[255, 0, 255], [0, 255, 0]]], dtype=np.uint8)


def path(*parts):
    name = os.path.join(HERE, *parts)
    os.makedirs(os.path.dirname(name), exist_ok=True)
    return name


def png(name, image):
    """A PNG picture without a library: an image of height x width (grey) or height x width x 3."""
    height, width = image.shape[:2]
    colour = 0 if image.ndim == 2 else 2
    raw = b"".join(b"\0" + row.tobytes() for row in image)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    with open(path(name), "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def tensors(name, arrays):
    """A safetensors file by its description: header length, JSON header, numbers."""
    header, data = {}, b""
    for key, (kind, array) in arrays.items():
        bytes_ = array.tobytes()
        header[key] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(bytes_)]}
        data += bytes_
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path(name), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


np.save(path("vectors.npy"), VECTORS)
np.savez(path("stored.npz"), x=VECTORS, y=WORDS)
np.savez_compressed(path("deflated.npz"), pictures=IMAGES, classes=np.array([7, 9]))
np.savez(path("objects.npz"), x=np.array([{}, {}], dtype=object), y=WORDS)
tensors("file.safetensors", {"inputs": ("F32", VECTORS), "labels": ("I64", np.array([0, 1]))})
for label, image in zip(WORDS, IMAGES):
    png(os.path.join("pictures", label, "one.png"), image)
with open(path("idx", "train-images-idx3-ubyte.gz"), "wb") as file:
    file.write(gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, *IMAGES.shape) + IMAGES.tobytes(), mtime=0))
with open(path("idx", "train-labels-idx1-ubyte"), "wb") as file:
    file.write(struct.pack(">BBBBI", 0, 0, 8, 1, 2) + bytes([7, 9]))
cifar = np.zeros((2, 3073), dtype=np.uint8)
cifar[:, 0] = [3, 5]
cifar[:, 1], cifar[:, 1025], cifar[:, 2049] = 10, 20, 30
with open(path("cifar", "data_batch_1.bin"), "wb") as file:
    file.write(cifar.tobytes())
