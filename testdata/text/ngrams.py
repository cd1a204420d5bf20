"""The n-grams of texts and their buckets, in plain Python, with every n-gram as a string of its own.

It shares no code with potstill: words by a regular expression, small letters by Python's own table.
Prints the file `ngrams.json`.
"""

import json
import re

SEPARATORS = "\u0000-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u00d7\u00f7\u2000-\u206f\u3000-\u303f\ufe00-\ufe0f\ufeff"
SYMBOLS = "\u2190-\u2bff\U0001f000-\U0001faff"
WORD = re.compile(f"[{SYMBOLS}]|[^{SEPARATORS}{SYMBOLS}]+")


def fnv1a(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return h


def bucket(data, buckets):
    h = fnv1a(data)
    return (h // 2**32 ^ h % 2**32) % buckets


def ngrams(text, words, characters):
    """All n-grams as bytes: for each word those of its characters by their last one, then those of words."""
    found = [word.lower() for word in WORD.findall(text)]
    for i, word in enumerate(found):
        marked = f"<{word}>"
        for end in range(1, len(marked) + 1):
            for n in range(characters[0], characters[1] + 1):
                if 0 < n <= end:
                    yield b"\x01" + marked[end - n : end].encode()
        for n in range(words[0], words[1] + 1):
            if 0 < n <= i + 1:
                yield " ".join(found[i + 1 - n : i + 1]).encode()


TEXTS = [
    "",
    " \t.,;!? \u2026\u201d ",
    "Not good!",
    "GREAT phone, 10/10; wouldn't return it...",
    "nul\u0000inside",
    "\u00c4rger \u00dcBER \u00c9t\u00c9 \u0160koda",
    "\u041e\u0447\u0435\u043d\u044c \u03a0\u03bf\u03bb\u03cd",
    "good\U0001f44d\U0001f3fdday \u2764\ufe0f",
    "\u3053\u308c\u306f\u3001\u826f\u3044",
    "a b c d e f g",
]
FORMS = [
    ("text:4096", 4096, (1, 2), (3, 5)),
    ("text:1000:words=1:chars=0", 1000, (1, 1), (0, 0)),
    ("text:16777216:words=0:chars=2-8", 16777216, (0, 0), (2, 8)),
    ("text:7:words=2-5:chars=4", 7, (2, 5), (4, 4)),
]

print("[")
lines = [
    json.dumps({"form": form, "text": text, "rows": [bucket(g, buckets) for g in ngrams(text, words, characters)]})
    for form, buckets, words, characters in FORMS
    for text in TEXTS
]
print(",\n".join(lines))
print("]")
