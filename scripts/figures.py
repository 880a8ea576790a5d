"""figures.py FOLDER NAME: reads `prom EXAMPLE LINE` from standard input, the output of the metrics commands line by line, and
says for each example whether all that was printed is Prometheus' text format, says nothing twice, and has no families or
labels but those of FOLDER/EXAMPLE.prom, which promtool checks."""
import collections
import re
import sys

HELP = re.compile(r"# HELP (\w+) (\S.*)")
TYPE = re.compile(r"# TYPE (\w+) (gauge|counter|histogram)")
SAMPLE = re.compile(r"(\w+?)(?:_bucket|_sum|_count)?(\{.*\})? ([0-9.]+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


def names(labels):
    """The labels' names, in their order; None where they are not what the format says."""
    found, end = [], 1
    while labels and end < len(labels) - 1:
        match = LABEL.match(labels[:-1], end)
        if not match:
            return None
        found.append(match.group(1))
        end = match.end()
    return tuple(found)


def families(lines):
    """{family: (type, help, {labels})}, or a sentence that says what is wrong."""
    found, seen, family = {}, set(), None
    for line in lines:
        if match := HELP.fullmatch(line):
            family, text = match.groups()
            if family in found:
                return f"{family} comes twice"
            found[family] = [None, text, set()]
        elif match := TYPE.fullmatch(line):
            if match.group(1) != family or found[family][0]:
                return f"a type out of its place: {line}"
            found[family][0] = match.group(2)
        else:
            match = SAMPLE.fullmatch(line)
            # Only of a histogram the end of the name is not the family's.
            name = line.split("{")[0].split(" ")[0]
            if not match or family is None or not found[family][0]:
                return f"no sample: {line}"
            if family != (match.group(1) if found[family][0] == "histogram" else name):
                return f"a sample of another family: {line}"
            labels = names(match.group(2) or "")
            if labels is None or len(set(labels)) != len(labels):
                return f"its labels are wrong: {line}"
            if line.rpartition(" ")[0] in seen:
                return f"twice: {line}"
            seen.add(line.rpartition(" ")[0])
            found[family][2].add(labels)
    return found


def fault(lines, example):
    """What is wrong with a text; None: nothing."""
    found = families(lines)
    if isinstance(found, str):
        return found
    for family, (kind, text, labels) in found.items():
        known = example.get(family)
        if not known or [kind, text] != known[:2] or not labels <= known[2]:
            return f"{family} {labels} is not as in the example"
    return None


def main():
    folder, name = sys.argv[1:]
    texts = collections.defaultdict(list)
    for line in sys.stdin:
        kind, _, rest = line.rstrip("\n").partition(" ")
        if kind == "prom":
            example, _, text = rest.partition(" ")
            if text == "begin":
                texts[example].append([])
            else:
                texts[example][-1].append(text)
    for example in sorted(texts):
        with open(f"{folder}/{example}.prom", encoding="utf-8") as file:
            known = families(file.read().splitlines())
        assert not isinstance(known, str), known
        found = [wrong for text in texts[example] if (wrong := fault(text, known) if text else "nothing was printed")]
        text = f"{name}: {len(texts[example])} outputs of metrics are as {example}.prom"
        print(f"FAIL {text} ({found[0]})" if found else f"ok   {text}")


main()
