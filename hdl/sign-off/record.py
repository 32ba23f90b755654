"""Appends a result to a file of them, one JSON object a line: what `record` of scripts/lib.sh starts.

    record.py FILE KEY=TEXT... KEY:=JSON...
"""

import json
import sys


def main(path, pairs):
    row = {}
    for pair in pairs:
        key, value = pair.split("=", 1)
        if key.endswith(":"):
            row[key[:-1]] = json.loads(value)
        else:
            row[key] = value
    with open(path, "a") as file:
        # In one write, as several may tell theirs at once.
        file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
