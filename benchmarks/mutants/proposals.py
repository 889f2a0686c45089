"""Run by the Python that has cosmic-ray: read modules and a seed from stdin, write mutants as JSON to stdout.

One mutant a place: of all that cosmic-ray's operators would do to one expression one is drawn, so that an operator with
eleven replacements does not count eleven times. What differs in nothing that runs is no mutant.
"""

from __future__ import annotations

import ast
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

BITS = ("BitOr", "BitAnd", "BitXor", "LShift", "RShift")
"""Arithmetic that nobody confuses: a float under ``<<`` is a TypeError, which any test notices."""


def operators() -> Iterator[tuple[str, object]]:
    """Yield each operator that needs no arguments, with its name."""
    for name in sorted(cosmic_ray.plugins.operator_names()):
        made = cosmic_ray.plugins.get_operator(name)
        if not made.arguments() and not any(name.endswith(f"_{bit}") for bit in BITS):
            yield name, made()


def family(name: str) -> str:
    """Return what an operator does, whatever it puts: of ``core/ReplaceBinaryOperator_Add_Sub`` the first word."""
    return name.rpartition("/")[2].partition("_")[0]


def places(source: str) -> dict[tuple[str, int, int], list[tuple[str, object, int]]]:
    """Return, by family and place, what could be done there: (name, operator, occurrence)."""
    tree, found = get_ast(source), {}
    nodes = list(ast_nodes(tree))
    for name, operator in operators():
        spots = (spot for node in nodes for spot in operator.mutation_positions(node))
        for occurrence, (start, _) in enumerate(spots):
            found.setdefault((family(name), *start), []).append((name, operator, occurrence))
    return found


class Bare(ast.NodeTransformer):
    """Leave out what does not run: annotations, which every module postpones, and what stands alone as a string."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Return the parameter without its annotation."""
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Return the function without what it says it returns."""
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        """Return the assignment without its annotation."""
        node.annotation = ast.Constant(None)
        self.generic_visit(node)
        return node


def what_runs(source: str) -> str:
    """Return the tree of a source without annotations."""
    return ast.dump(Bare().visit(ast.parse(source)))


def mutant(module: str, source: str, place: int, choices: list[tuple[str, object, int]]) -> dict | None:
    """Return the first of the choices for a place, on a line from 1, that changes what runs, or None."""
    lines = source.splitlines()
    for name, operator, occurrence in choices:
        broken = mutate_code(source, operator, occurrence)
        try:
            differs = broken is not None and what_runs(broken) != what_runs(source)
        except SyntaxError:  # an operator that does not know the grammar of the place
            continue
        if differs:
            new = broken.splitlines()
            line = next((k for k, (a, b) in enumerate(zip(lines, new, strict=False)) if a != b), len(new) - 1)
            return {
                "module": module, "line": place, "operator": name.split("/")[-1], "source": broken,
                "before": lines[line].strip(), "after": new[line].strip(),
            }  # fmt: skip
    return None


def main() -> None:
    """Propose mutants of each module in an order drawn by the seed; no more than the sample, where one is asked for."""
    asked = json.load(sys.stdin)
    chance, drawn = random.Random(asked["seed"]), []  # noqa: S311  repeatable, not secret
    for module in asked["modules"]:
        source = (Path(asked["house"]) / module).read_text(encoding="utf-8")
        for (_, line, _), choices in sorted(places(source).items()):
            chance.shuffle(choices)
            drawn.append((module, source, line, choices))
    chance.shuffle(drawn)
    found = []
    for one in drawn:
        if asked["sample"] and len(found) >= asked["sample"]:
            break
        made = mutant(*one)
        found += [] if made is None else [made]
    json.dump({"places": len(drawn), "mutants": found}, sys.stdout)


if __name__ == "__main__":
    main()
