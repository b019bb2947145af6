"""What the kubelet does to commands, arguments and plain variables, as its own code does it
(kubernetes/third_party/forked/golang/expansion/expand.go)."""

from collections.abc import Mapping


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` by the variable if there is one, `$$` by `$`; anything else stays."""
    result, position = "", 0
    while position < len(text):
        rest = text[position:]
        if rest.startswith("$$"):
            result, position = result + "$", position + 2
        elif rest.startswith("$(") and ")" in rest:
            name = rest[2 : rest.index(")")]
            result += variables.get(name, f"$({name})")
            position += rest.index(")") + 1
        else:
            result, position = result + rest[0], position + 1
    return result


def seen_by_the_command(
    variables: list[dict[str, object]], *, labels: Mapping[str, str], uid: str, secret: Mapping[str, str]
) -> dict[str, str]:
    """A container's variables, in order: each plain one may refer to those before it (kubelet, makeEnvironment)."""
    found: dict[str, str] = {}
    for variable in variables:
        name = str(variable["name"])
        if "value" in variable:
            found[name] = expand(str(variable["value"]), found)
            continue
        source: dict[str, dict[str, str]] = variable["valueFrom"]  # type: ignore[assignment]
        if "secretKeyRef" in source:
            found[name] = secret[source["secretKeyRef"]["key"]]
        else:
            path = source["fieldRef"]["fieldPath"]
            found[name] = uid if path == "metadata.uid" else labels[path.split("'")[1]]
    return found
