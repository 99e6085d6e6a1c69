"""Which modules of the package stand in circles of imports: whoever reads one of them has to read them all.

Reads the modules' trees. An import counts wherever it stands: for types only, or within a function, it is an arrow too.
"""

import ast
from collections.abc import Iterator, Mapping

Arrows = Mapping[str, set[str]]


def arrows(modules: Mapping[str, ast.AST], packages: set[str]) -> dict[str, set[str]]:
    """From each module (by its dotted name) to those that it imports; `packages` are those that are folders."""
    return {
        name: {found for found in _named(name, tree, modules, packages) if found != name}
        for name, tree in modules.items()
    }


def _named(name: str, tree: ast.AST, modules: Mapping[str, ast.AST], packages: set[str]) -> Iterator[str]:
    here = name.split(".") if name in packages else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                found = inner if inner in modules else source
                if found in modules:
                    yield found


def circles(arrows: Arrows) -> list[list[str]]:
    """The largest first; each is all that reach each other (Tarjan's strongly connected components)."""
    found: list[list[str]] = []
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    for start in sorted(arrows):
        if start in number:
            continue
        ways = [(start, iter(sorted(arrows[start])))]
        number[start] = lowest[start] = len(number)
        path.append(start)
        while ways:
            name, rest = ways[-1]
            onward = next(rest, None)
            if onward is None:
                ways.pop()
                if ways:
                    above = ways[-1][0]
                    lowest[above] = min(lowest[above], lowest[name])
                if lowest[name] == number[name]:
                    at = path.index(name)
                    found.append(sorted(path[at:]))
                    del path[at:]
            elif onward not in number:
                number[onward] = lowest[onward] = len(number)
                path.append(onward)
                ways.append((onward, iter(sorted(arrows[onward]))))
            elif onward in path:
                lowest[name] = min(lowest[name], number[onward])
    return sorted((one for one in found if len(one) > 1), key=len, reverse=True)
