"""schemas.py FOLDER NAME: reads `json SCHEMA TEXT` from standard input, and says for each schema whether all of its texts
are what the schema says. In what we print ourselves nothing may be that the schema does not name."""
import collections
import json
import sys

import jsonschema


def strict(schema):
    """The same schema, which names all members that there may be."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(part) for key, part in schema.items()}
    if "properties" in closed:
        closed["additionalProperties"] = False
    return closed


def faults(validator, texts):
    for text in texts:
        try:
            error = jsonschema.exceptions.best_match(validator.iter_errors(json.loads(text)))
        except ValueError as failure:
            error = failure
        if error:
            yield f"{getattr(error, 'json_path', '')} {getattr(error, 'message', error)} in {text[:300]}"


def main():
    folder, name = sys.argv[1:]
    texts = collections.defaultdict(list)
    for line in sys.stdin:
        kind, _, rest = line.rstrip("\n").partition(" ")
        if kind == "json":
            schema, _, text = rest.partition(" ")
            texts[schema].append(text)
    for schema in sorted(texts):
        with open(f"{folder}/{schema}.json", encoding="utf-8") as file:
            document = json.load(file)
        jsonschema.Draft202012Validator.check_schema(document)
        found = list(faults(jsonschema.Draft202012Validator(strict(document)), texts[schema]))
        text = f"{name}: {len(texts[schema])} JSON texts are what {schema} says"
        print(f"FAIL {text} ({found[0]})" if found else f"ok   {text}")


main()
