#!/usr/bin/env python3
"""Lists the public functions and traits of jsonframe that its sources declare, one a line, and says which are not proven.

usage: public_items.py SOURCES PROVEN EXCEPTIONS

PROVEN has an item at the beginning of each line, as the proof prints them. EXCEPTIONS has a pattern and, behind a tab, the
reason why what matches it is not proven. Fails if an item is neither proven nor an exception, or if either file names
something that is not there.
"""

import fnmatch
import pathlib
import re
import sys

MARKERS = {"Copy", "Eq", "ErrorType", "FusedIterator"}


def base(path):
    """A type or trait without lifetimes, and a type without its parameters."""
    path = re.sub(r"'\w+ ?|, '\w+", "", path).replace("<>", "")
    return path.strip()


def implemented(line):
    """What an `impl` line is about: a trait, if there is one, and a type."""
    line = re.sub(r"^impl(<[^{]*?>)? (?=[A-Za-z])", "", line).split(" {")[0]
    trait, _, target = line.rpartition(" for ")
    return re.sub(r"^(\w+::)+", "", base(trait)), re.sub(r"<.*", "", base(target))


def items(sources):
    library = "".join((sources / name).read_text() for name in ("lib.rs", "adapters/embedded.rs"))
    exported = set(re.findall(r"\w+", " ".join(re.findall(r"^pub use \w+::(.*?);", library, re.M | re.S))))
    crate = re.compile(r"pub\(crate\) (?:trait|struct|enum) (\w+)")
    private = {name for path in sources.rglob("*.rs") for name in crate.findall(path.read_text())}
    for path in sorted(sources.rglob("*.rs")):
        text = re.sub(r"^( *)#\[cfg\(test\)\]\n\1mod .*?^\1\}$", "", path.read_text(), flags=re.M | re.S)
        target, derived, end = None, [], ""
        for line in text.splitlines():
            if line == end:
                target = None
            indent = line[: len(line) - len(line.lstrip())]
            line = line.strip()
            if match := re.match(r"#\[derive\((.*)\)\]", line):
                derived = [trait.removeprefix("thiserror::") for trait in match[1].split(", ")]
            elif match := re.match(r"pub (?:struct|enum) (\w+)", line):
                if match[1] in exported:
                    yield from (f"{trait} for {match[1]}" for trait in derived if trait not in MARKERS)
                derived = []
            elif re.match(r"(pub\(crate\) )?(struct|enum) ", line):
                derived = []
            elif re.match(r"impl\b", line):
                trait, target = implemented(line)
                end = indent + "}"
                if trait and (MARKERS | private).isdisjoint(re.findall(r"\w+", trait)) and (target in exported or "::" in target):
                    yield f"{trait} for {target}"
            elif match := re.match(r"pub (?:const |async )?fn (\w+)", line):
                if target is None and match[1] in exported:
                    yield match[1]
                elif target in exported:
                    yield f"{target}::{match[1]}"


def main():
    sources, proven, exceptions = map(pathlib.Path, sys.argv[1:])
    declared = set(items(sources))
    proven = {line.split("\t")[0] for line in proven.read_text().splitlines()}
    patterns = [line.split("\t") for line in exceptions.read_text().splitlines()]
    excepted = {pattern: set(fnmatch.filter(declared - proven, pattern)) for pattern, _ in patterns}

    faults = [f"neither proven nor an exception: {item}" for item in declared - proven - set().union(*excepted.values())]
    faults += [f"proven, but not declared: {item}" for item in proven - declared]
    faults += [f"the exception matches nothing: {pattern}" for pattern, found in excepted.items() if not found]
    if faults:
        sys.exit("\n".join(sorted(faults)))
    for pattern, reason in patterns:
        print(f"not proven: {pattern} ({len(excepted[pattern])}): {reason}")
    print(f"{len(proven)} of {len(declared)} public items are proven; the others are exceptions with a reason")


main()
