#!/usr/bin/env python3
"""Writes the tables with which names are compared (RFC 8266): src/chat/rules/names/precis/*.bin, and data.rs beside them.

    .ci/unicode.py FOLDER     the Unicode Character Database, as Debian's package `unicode-data` has it in /usr/share/unicode

The tables in the repository are from unicode-data 17.0.0-2, of Debian's testing. Any newer version will do: characters only
become known, and those that are known stay as they are. src/chat/rules/names/precis/tables.rs reads what is written here.
"""

import pathlib
import re
import sys

TARGET = pathlib.Path(__file__).parent.parent / "src/chat/rules/names/precis"
CODES = range(0x110000)
PER_PAGE = 64  # entries: that many are read, at most, to find one

# What a character is (tables.rs has the same numbers). Where it does not matter, as in what is refused, nothing is said.
ALLOWED, JOINS_NEXT, JOINS_PREVIOUS, TRANSPARENT, GREEK, HEBREW, HAN_OR_KANA, HAS_CLASS = (1 << bit for bit in range(8))
# How an entry of a mapping goes on.
ONE, RUN, EVERY_OTHER, COMPOSING_PAIR, PAIR, MORE = range(6)

# RFC 5892 2.6, which RFC 8264 9.6 refers to; what has a rule of its own (CONTEXTO) is allowed here.
EXCEPTIONS = dict.fromkeys([0xDF, 0x3C2, 0x6FD, 0x6FE, 0xF0B, 0x3007, 0xB7, 0x375, 0x5F3, 0x5F4, 0x30FB], True)
EXCEPTIONS |= dict.fromkeys([*range(0x660, 0x66A), *range(0x6F0, 0x6FA)], True)
EXCEPTIONS |= dict.fromkeys([0x640, 0x7FA, 0x302E, 0x302F, *range(0x3031, 0x3036), 0x303B], False)


class Database:
    """The files of the Unicode Character Database that are needed."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        head = (self.folder / "DerivedAge.txt").read_text().splitlines()[0]
        self.version = re.fullmatch(r"# DerivedAge-([0-9.]+)\.txt", head)[1]
        self.category, self.ccc, self.lower, self.canonical, self.compatible = {}, {}, {}, {}, {}
        self.read_characters()
        self.excluded = {code for code, _ in self.rows("CompositionExclusions.txt")}
        self.joining = dict(self.rows("extracted/DerivedJoiningType.txt"))
        self.script = dict(self.rows("Scripts.txt"))
        self.jamo = {code for code, kind in self.rows("HangulSyllableType.txt") if kind in ("L", "V", "T")}
        self.ignorable = {code for code, name in self.rows("DerivedCoreProperties.txt") if name == "Default_Ignorable_Code_Point"}

    def read_characters(self):
        first = None
        for line in (self.folder / "UnicodeData.txt").read_text().splitlines():
            code, name, category, ccc, _, mapping, *_, lower, _ = line.split(";")
            code = int(code, 16)
            for each in range(first or code, code + 1):
                self.category[each] = category
            first = code if name.endswith(", First>") else None
            if int(ccc):
                self.ccc[code] = int(ccc)
            if lower:
                self.lower[code] = [int(lower, 16)]
            if mapping:
                kind = self.compatible if mapping.startswith("<") else self.canonical
                kind[code] = [int(each, 16) for each in mapping.split() if not each.startswith("<")]
        self.lower[0x130] = [0x69, 0x307]  # SpecialCasing.txt: the only one that is two characters, whatever is around it

    def rows(self, name):
        """Each code point of a file, and what is said of it."""
        for line in (self.folder / name).read_text().splitlines():
            codes, *values = [field.strip() for field in line.split("#")[0].split(";")]
            if codes:
                first, _, last = codes.partition("..")
                for code in range(int(first, 16), int(last or first, 16) + 1):
                    yield code, values[0] if values else ""

    def is_allowed(self, code):
        """FreeformClass: the algorithm of RFC 8264 8, where what has a rule of its own counts as allowed."""
        if code in EXCEPTIONS:
            return EXCEPTIONS[code]
        category = self.category.get(code, "Cn")
        if category == "Cn" or code in range(0x21, 0x7F) or code in (0x200C, 0x200D):
            return category != "Cn"
        if code in self.jamo or code in self.ignorable or category == "Cc":
            return False
        # Letters, marks, numbers, punctuation, symbols, spaces; all of HasCompat is among them.
        return category[0] in "LMNPS" or category == "Zs"

    def property(self, code):
        """What is said of a character, and its combining class."""
        flags, ccc, joining, script = 0, self.ccc.get(code, 0), self.joining.get(code), self.script.get(code)
        if self.is_allowed(code):
            flags |= ALLOWED
            flags |= JOINS_NEXT * (joining in ("L", "D")) | JOINS_PREVIOUS * (joining in ("R", "D"))
            flags |= TRANSPARENT * (joining == "T")
            flags |= GREEK * (script == "Greek") | HEBREW * (script == "Hebrew")
            flags |= HAN_OR_KANA * (script in ("Han", "Hiragana", "Katakana"))
        return flags, ccc

    def composes(self, code):
        """Whether NFC has the character: no singleton, not excluded, and beginning with a starter, as itself is one."""
        mapping = self.canonical.get(code, [])
        return len(mapping) == 2 and code not in self.excluded and not self.ccc.get(code) and not self.ccc.get(mapping[0])


def number(value):
    """As LEB128 has it: seven bits a byte, the lowest first; the highest bit says that there is more."""
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + number(value >> 7)


def signed(value):
    return number(value << 1 if value >= 0 else ~value << 1 | 1)


def pages(entries, write):
    """`entries` are (last code point, …); each page is: how many code points it goes on, how many bytes, the bytes."""
    table, start = b"", 0
    for at in range(0, len(entries), PER_PAGE):
        page = entries[at : at + PER_PAGE]
        body, last = write(page, start), page[-1][0]
        table += number(last - start) + number(len(body)) + body
        start = last + 1
    return table


def property_table(database):
    """Runs of characters that are alike."""
    runs = []
    for code in CODES:
        value = database.property(code)
        if runs and runs[-1][1] == value:
            runs[-1] = (code, value)
        else:
            runs.append((code, value))
    return pages(runs[:-1] if runs[-1][1] == (0, 0) else runs, write_properties)


def write_properties(page, start):
    body = b""
    for last, (flags, ccc) in page:
        body += number(last + 1 - start) + bytes([flags | HAS_CLASS, ccc] if ccc else [flags])
        start = last + 1
    return body


def mapping_table(mappings, composes=lambda code: False):
    """Entries: of one character, or a run of them that are mapped to a run (of every other one: to every other one)."""
    assert max(map(len, mappings.values())) <= 18  # LONGEST in tables.rs
    entries = []
    codes = sorted(mappings)
    while codes:
        kind, length = max(((kind, run(codes, mappings, step)) for kind, step in ((RUN, 1), (EVERY_OTHER, 2))), key=lambda it: it[1])
        first, last, targets = codes[0], codes[length - 1], mappings[codes[0]]
        if length == 1:
            kind = (ONE, COMPOSING_PAIR if composes(first) else PAIR, MORE)[min(len(targets), 3) - 1]
        entries.append((last, first, kind, length, targets))
        del codes[:length]
    return pages(entries, write_mappings)


def run(codes, mappings, step):
    """How many of them, from the first on, are in step with what they are mapped to."""
    length = 1
    while length < len(codes) and codes[length] == codes[0] + length * step and all(
        mappings[codes[at]] == [mappings[codes[0]][0] + at * step] for at in (0, length)
    ):
        length += 1
    return length if length > 1 and step == 1 or length > 2 else 1


def write_mappings(page, start):
    """The gap before it and its kind, in one number; how long; and how far each target is from the one before, at its place."""
    body, before = b"", [0] * 32
    for last, first, kind, length, targets in page:
        body += number((first - start) << 3 | kind)
        body += number(length) if kind in (RUN, EVERY_OTHER) else number(len(targets)) if kind == MORE else b""
        body += b"".join(signed(target - before[at]) for at, target in enumerate(targets))
        before[: len(targets)] = targets
        start = last + 1
    return body


def main(folder):
    database = Database(folder)
    tables = {
        "properties": property_table(database),
        "lower": mapping_table(database.lower),
        "decompositions": mapping_table(database.canonical | database.compatible, database.composes),
    }
    lines = [
        f"//! Tables from Unicode {database.version}, written by `.ci/unicode.py`, which says what is in them; not to be edited.",
        "//!",
        "//! Owns nothing but them. What they are made of: © Unicode, Inc., <https://www.unicode.org/license.txt> (Unicode-3.0).",
        "",
    ]
    for name, table in tables.items():
        (TARGET / f"{name}.bin").write_bytes(table)
        lines.append(f'pub(super) static {name.upper()}: &[u8] = include_bytes!("{name}.bin");')
        print(f"{name}: {len(table)} bytes")
    lines += ["", "#[cfg(test)]", f"pub(super) const VERSION: ({', '.join(['u8'] * 3)}) = ({database.version.replace('.', ', ')});", ""]
    (TARGET / "data.rs").write_text("\n".join(lines))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
